"""Fixtures of the command's tests."""

import pytest

from cli.examining import Examine
from cli.failing import Failing


@pytest.fixture
def examine(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Examine:
    """Return the doctor."""
    monkeypatch.chdir(tmp_path_factory.mktemp("nowhere"))
    return Examine(capsys, monkeypatch)


@pytest.fixture
def failing(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Failing:
    """Return what runs a command that must fail."""
    monkeypatch.chdir(tmp_path_factory.mktemp("nowhere"))
    return Failing(capsys, monkeypatch)
