"""Fixtures that tests of several folders share."""

from pathlib import Path

import pytest
from support.command import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A folder that stands for a user's home."""
    return Home(tmp_path)
