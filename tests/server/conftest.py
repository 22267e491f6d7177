"""An engine at work, for the tests of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.server import echo, make_durably

from durably_server import Durably


@pytest.fixture
async def durably(tmp_path: Path) -> AsyncIterator[Durably]:
    made = make_durably(tmp_path, echo)
    await made.init()
    yield made
    await made.stop()
