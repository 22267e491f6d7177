"""Times as they are typed on the command line."""

from __future__ import annotations

import pytest

from durably_tui.cli.ending import seconds_of
from durably_tui.cli.running import Ended

from .conftest import Invoke


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1.5h", 5400), (" 250 ms ", 0.25), ("2w", 1_209_600), (None, None)],
)
def test_a_time_is_a_number_with_a_unit_or_of_seconds(
    text: str | None, seconds: float | None
) -> None:
    assert seconds_of(text, "--for") == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1", "1y", "1e9", "inf"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Ended, match="is not a time"):
        seconds_of(text, "--for")


def test_a_time_without_end_is_a_long_one(invoke: Invoke) -> None:
    for_ever = "9" * 400
    assert seconds_of(for_ever + "w", "--for") == 1e10
    answer = invoke("stats", "--window", for_ever, "-s", "http://127.0.0.1:9")
    assert (answer.exit_code, "was refused" in answer.stderr) == (3, True)
