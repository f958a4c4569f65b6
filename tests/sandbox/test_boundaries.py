"""The sandbox is a stranger to the gateway: it imports nothing of it."""

import ast
import sys
from pathlib import Path

import group_gateway.sandbox

ROOT = Path(group_gateway.sandbox.__file__).parent
ALLOWED = {"starlette", "msgspec"}


def imported(path):
    """Yield the modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def test_only_strangers_are_imported():
    """Besides the standard library, starlette and msgspec, only the sandbox itself."""
    names = {name for path in ROOT.rglob("*.py") for name in imported(path)}
    foreign = {
        name
        for name in names
        if name.partition(".")[0] not in sys.stdlib_module_names | ALLOWED
        and not name.startswith("group_gateway.sandbox")
    }
    assert foreign == set()
