"""The source stays in pieces that can be read at a sitting, each with a name of its own."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

SOURCES = sorted((Path(__file__).parents[1] / "src").rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 300, 50
MEDIAN_FILE, MEDIAN_FUNCTION = 100, 10


def lines_of(path: Path) -> int:
    """Count the lines of a file."""
    return len(path.read_text().splitlines())


def functions() -> Iterator[tuple[str, int]]:
    """Yield each function of the source, and its lines."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                yield f"{path.name}:{node.name}", node.end_lineno - node.lineno + 1


def test_files() -> None:
    """No file has more than 300 lines, and half of them have at most 100."""
    assert {path.name: lines for path in SOURCES if (lines := lines_of(path)) > LONGEST_FILE} == {}
    assert median(map(lines_of, SOURCES)) <= MEDIAN_FILE


def test_functions() -> None:
    """No function has more than 50 lines, and half of them have at most 10."""
    assert {name: lines for name, lines in functions() if lines > LONGEST_FUNCTION} == {}
    assert median(lines for _, lines in functions()) <= MEDIAN_FUNCTION


def test_names() -> None:
    """No two modules have the same name."""
    names = Counter(path.name for path in SOURCES if not path.name.startswith("__"))
    assert [name for name, times in names.items() if times > 1] == []
