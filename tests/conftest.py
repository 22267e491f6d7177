"""Fixtures that tests of several folders share."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.command import Home

# A test says whether something is right, never how quick the machine is at the moment; in CI it
# tries the same each time, so that it says something of the change and not of its luck.
settings.register_profile(
    "patient",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("patient")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A folder that stands for a user's home."""
    return Home(tmp_path)
