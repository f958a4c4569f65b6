"""Fixtures of the command's tests."""

import pytest

from cli.examining import Examine


@pytest.fixture
def examine(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Examine:
    """Give the doctor."""
    monkeypatch.chdir(tmp_path_factory.mktemp("nowhere"))
    return Examine(capsys, monkeypatch)
