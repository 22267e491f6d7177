"""Fixtures of the app's tests: a server of their own, and the monitor on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.workshop import Workshop, workshop

from durably_tui.tui import typed_ahead


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of the user's, for what the monitor remembers."""
    folder = tmp_path / "state"
    monkeypatch.setenv("DURABLY_STATE", str(folder))
    return folder


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that are typed ahead wait longer than on a fast machine: this one may be busy."""
    monkeypatch.setattr(typed_ahead, "PATIENCE", 20.0)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Workshop]:
    """A running Python server over a new file."""
    async with workshop(tmp_path) as running:
        yield running
