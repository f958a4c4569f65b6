"""A real Chromium for the tests, driven over its DevTools protocol, with every other host cut off.

`chromium()` runs the browser, `tab()` opens a `Page` in it. That acts as a person would, with mouse
and keys, and remembers all requests and complaints, so that a test can say there were no others.
"""

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

PATIENCE_SECONDS = 60
_NAVIGATED = "Inspected target navigated or closed"
GLANCE_SECONDS = 0.05
MOMENT_SECONDS = 0.25  # before an action of a person; GraphiQL takes 0.1 to grasp an edit
FLAGS = (
    "--headless",
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--window-size=1440,900",
    "--remote-debugging-port=0",
)
KEYS = {"Enter": 13, "Escape": 27, "Delete": 46, "a": 65, "f": 70, "g": 71}
ALT, CONTROL = 1, 2  # the protocol's bits


class Page:
    """One tab of the browser."""

    def __init__(self, socket: ClientConnection) -> None:
        """Control the tab at the other end of the socket."""
        self._socket = socket
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.requests: list[dict[str, Any]] = []
        """All requests, other than for data: addresses, which no host gets to see."""
        self.complaints: list[str] = []
        """What the console and the browser's own checks say; violations of a policy among it."""

    async def open(self, url: str) -> None:
        """Show an address."""
        await self._send("Page.navigate", url=url)

    async def reload(self) -> None:
        """Load the address that is shown once more."""
        await self._send("Page.reload")

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        answer = await self._send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def screenshot(self, *, width: int, height: int) -> str:
        """Return a picture of the page in that size: PNG, in Base64."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self._send("Emulation.setDeviceMetricsOverride", **size)
        await asyncio.sleep(MOMENT_SECONDS)
        return str((await self._send("Page.captureScreenshot", format="png"))["data"])

    async def until(self, expression: str) -> Any:
        """Wait for a JavaScript expression to become truthy and return its value."""
        value = await _eventually(lambda: self._glance(expression))
        assert value, f"not {expression}, but: {await self.evaluate('document.body.innerText')}"
        return value

    async def _glance(self, expression: str) -> Any:
        """Return the value of an expression; None where the page was left while it was computed."""
        try:
            return await self.evaluate(expression)
        except AssertionError as error:
            if _NAVIGATED in str(error):
                return None
            raise

    async def sees(self, text: str, within: str = "body") -> None:
        """Wait for a text to be visible in the first element that matches the selector."""
        element = f"document.querySelector({json.dumps(within)})"
        await self.until(f"{element}?.innerText.includes({json.dumps(text)})")

    async def complains(self, about: str) -> None:
        """Wait for a complaint that contains a text."""

        async def complained() -> bool:
            return any(about in complaint for complaint in self.complaints)

        assert await _eventually(complained), self.complaints

    async def click(self, selector: str) -> None:
        """Click into the middle of the first element that matches, as soon as it stands still."""
        before, box = None, await self._middle(selector)
        while box != before:  # menus slide open
            await asyncio.sleep(MOMENT_SECONDS)
            before, box = box, await self._middle(selector)
        at = {"x": box[0], "y": box[1], "button": "left", "clickCount": 1}
        for event in ("mousePressed", "mouseReleased"):
            await self._send("Input.dispatchMouseEvent", type=event, **at)

    async def _middle(self, selector: str) -> Any:
        """Wait until a click would hit the first element that matches; return where its middle is.

        A menu that still slides open, or stands elsewhere before it is placed, is not hit.
        """
        return await self.until(
            f"""(() => {{
                const element = document.querySelector({json.dumps(selector)});
                element?.scrollIntoView({{ block: "nearest", inline: "nearest" }});
                const box = element?.getBoundingClientRect();
                const middle = box?.width && [box.x + box.width / 2, box.y + box.height / 2];
                const moves = document.getAnimations().some(({{ playState, effect }}) =>
                    playState === "running" && effect.getComputedTiming().endTime !== Infinity
                    && effect.target?.contains(element));
                return middle && !moves
                    && element.contains(document.elementFromPoint(...middle)) && middle;
            }})()"""
        )

    async def press(self, key: str, modifiers: int = 0) -> None:
        """Press and release a key."""
        await asyncio.sleep(MOMENT_SECONDS)
        code = {"key": key, "windowsVirtualKeyCode": KEYS[key], "modifiers": modifiers}
        for event in ("rawKeyDown", "keyUp"):
            await self._send("Input.dispatchKeyEvent", type=event, **code)

    async def write(self, text: str, into: str) -> None:
        """Replace what stands in a field or an editor."""
        await self.click(into)
        await self.press("a", CONTROL)
        await self.press("Delete")
        await self._send("Input.insertText", text=text)

    async def resize(self, width: int, height: int) -> None:
        """Return the tab the size of another screen."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": True}
        await self._send("Emulation.setDeviceMetricsOverride", **size)

    async def watch(self) -> None:
        """Enable the events of the browser that this class records."""
        for domain in ("Page", "Runtime", "Network", "Log", "Audits"):
            await self._send(f"{domain}.enable")

    async def listen(self) -> None:
        """Dispatch the browser's messages until the tab is closed."""
        async for text in self._socket:
            message = json.loads(text)
            if "id" in message:
                self._answers.pop(message["id"]).set_result(message)
            else:
                self._note(message["method"], message["params"])

    async def _send(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        message = await asyncio.wait_for(answer, PATIENCE_SECONDS)
        assert "error" not in message, f"{method}: {message['error']}"
        result: dict[str, Any] = message["result"]
        return result

    def _note(self, event: str, params: dict[str, Any]) -> None:
        match event:
            case "Network.requestWillBeSent" if not params["request"]["url"].startswith("data:"):
                self.requests.append(params["request"])
            case "Log.entryAdded" if params["entry"]["level"] != "verbose":
                self.complaints.append(params["entry"]["text"])
            case "Runtime.consoleAPICalled" if params["type"] in {"error", "warning", "assert"}:
                self.complaints.append(json.dumps(params["args"]))
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(params["exceptionDetails"]))
            case "Audits.issueAdded" if params["issue"]["code"] != "GenericIssue":  # form hints
                self.complaints.append(json.dumps(params["issue"]))


@contextmanager
def chromium() -> Iterator[str]:
    """Run a browser with a profile of its own and return the address of its DevTools."""
    with TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        command = ["chromium", *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
            try:
                yield f"http://127.0.0.1:{_port(Path(profile, 'DevToolsActivePort'))}"
            finally:
                process.kill()  # it has nothing to save


def _port(told: Path) -> int:
    """Wait for the file in which the browser writes its port."""
    for _ in range(int(PATIENCE_SECONDS / GLANCE_SECONDS)):
        if told.exists() and (lines := told.read_text().splitlines()):
            return int(lines[0])
        time.sleep(GLANCE_SECONDS)
    raise AssertionError("Chromium did not start: is Debian's package chromium installed?")


@asynccontextmanager
async def tab(browser: str) -> AsyncIterator[Page]:
    """Open a tab, which has a session storage of its own, and close it in the end."""
    patient: dict[str, Any] = {"open_timeout": PATIENCE_SECONDS, "ping_interval": None}
    async with httpx.AsyncClient(base_url=f"{browser}/json", timeout=PATIENCE_SECONDS) as devtools:
        target = (await devtools.put("/new")).json()
        async with connect(target["webSocketDebuggerUrl"], max_size=None, **patient) as socket:
            page = Page(socket)
            listening = asyncio.create_task(page.listen())
            try:
                await page.watch()
                yield page
            finally:
                listening.cancel()
        await devtools.get(f"/close/{target['id']}")


async def _eventually(probe: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Repeat a question until the answer is truthy or time is up; return the last answer."""
    for _ in range(int(PATIENCE_SECONDS / GLANCE_SECONDS)):
        if answer := await probe():
            break
        await asyncio.sleep(GLANCE_SECONDS)
    return answer
