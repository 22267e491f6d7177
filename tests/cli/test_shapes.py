"""Times in what is printed and copied."""

from datetime import datetime

import pytest

from durably_tui.protocol import Progress, RunProgress
from durably_tui.shapes import event_json, iso, progress_json


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


@pytest.mark.parametrize("number", [3, 2.5, -1, 1e300, 0])
def test_a_number_is_written_as_the_server_wrote_it(number: float) -> None:
    progress = Progress(current=float(number), total=float(number))
    written = {"current": number, "total": number}
    assert repr(progress_json(progress)) == repr(written)
    event = RunProgress(run_id="r", job_name="j", progress=progress)
    assert repr(event_json(event)["progress"]) == repr(written)
