"""Times in what is printed and copied."""

from datetime import datetime

import pytest

from durably_tui.shapes import iso


@pytest.mark.parametrize(
    ("at", "written"),
    [
        ("2026-11-29T02:00:00.5+02:00", "2026-11-29T00:00:00.500Z"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00.000+14:00"),
        ("9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59.000-14:00"),
    ],
)
def test_any_time_of_a_server_is_written(at: str, written: str) -> None:
    assert iso(datetime.fromisoformat(at)) == written
