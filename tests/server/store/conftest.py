"""The stores that each test of this folder is run with."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from durably_server.engine.store import Store
from durably_server.storage.memory import MemoryStore
from durably_server.storage.sqlite import SqliteStore


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "c.db")
    await made.open()
    yield made
    await made.close()
