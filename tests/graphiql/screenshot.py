"""Draws the picture of GraphiQL that the documentation shows.

usage: PYTHONPATH=tests python -m graphiql.screenshot ADDRESS docs/images/graphiql.png
"""

import asyncio
import base64
import sys
from pathlib import Path

from graphiql.browser import CONTROL, chromium, tab


async def draw(browser: str, address: str) -> bytes:
    """Return a PNG of GraphiQL with the answer to its first query."""
    async with tab(browser) as page:
        await page.open(address)
        await page.sees("query ReadGroup", ".graphiql-query-editor")
        await page.click(".graphiql-query-editor .CodeMirror-lines")
        await page.press("Enter", CONTROL)
        await page.sees("responsibilities", ".result-window")
        return base64.b64decode(await page.screenshot(width=1280, height=720))


def main() -> None:
    """Write the picture."""
    address, file = sys.argv[1:]
    with chromium() as browser:
        Path(file).write_bytes(asyncio.run(draw(browser, address)))


if __name__ == "__main__":
    main()
