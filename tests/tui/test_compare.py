"""Two runs side by side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from support.monitor import monitor
from support.workshop import Workshop

from durably_tui.protocol import Run, RunStatus
from durably_tui.tui.screens.compare import MOST_LINES, CompareScreen, differences

START = datetime(2026, 5, 14, 12, 0, 0, tzinfo=UTC)


def run(**fields: Any) -> Run:
    given: dict[str, Any] = {
        "id": "01A",
        "job_name": "import-csv",
        "status": RunStatus.COMPLETED,
        "created_at": START,
        "started_at": START,
        "completed_at": START + timedelta(seconds=3),
    }
    return Run(**(given | fields))


def lines(left: Run, right: Run) -> dict[str, tuple[str, str]]:
    return {name: (a, b) for name, a, b in differences(left, right, START.timestamp())}


def test_each_value_inside_is_compared_by_its_path() -> None:
    found = lines(
        run(input={"file": "a.csv", "rows": [1, 2]}, labels={"env": "prod"}),
        run(input={"file": "b.csv", "rows": [1]}, labels={}),
    )
    assert found["input.file"] == ('"a.csv"', '"b.csv"')
    assert found["input.rows[0]"] == ("1", "1")
    assert found["input.rows[1]"] == ("2", "")
    assert found["label.env"] == ('"prod"', "")


def test_null_is_not_the_same_as_nothing() -> None:
    assert lines(run(input={"a": None}), run(input={}))["input.a"] == ("null", "")


def test_how_long_each_took_is_told() -> None:
    later = run(completed_at=START + timedelta(seconds=9))
    assert lines(run(), later)["took"] == ("3.0s", "9.0s")


def test_what_is_very_long_is_cut_and_says_so() -> None:
    many = run(output=list(range(MOST_LINES + 7)))
    assert lines(many, many)["output"] == ("7 more values", "7 more values")


def test_deep_values_do_not_exhaust_the_stack() -> None:
    deep: Any = 1
    for _ in range(5_000):
        deep = {"a": deep}
    assert len(lines(run(output=deep), run(output=deep))) > 5


async def test_two_marked_runs_are_compared_by_a_key(shop: Workshop) -> None:
    older = await shop.done("loud", value="\x1b[31mred [/b]")
    newer = await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(newer)
        await shown.press("equals_sign")
        await shown.says("Mark two runs with Space")
        await shown.press("space", "equals_sign")
        await shown.front(CompareScreen)
        await shown.shows(
            "Two runs", "* job", "loud", "quick", older, newer, "steps done", "red [/b]"
        )
        await shown.press("d")
        await shown.until(lambda: "steps done" not in shown.text, "less")
        await shown.press("escape")
        await shown.until(lambda: not isinstance(shown.app.screen, CompareScreen))


async def test_two_ids_fit_beside_each_other_in_80_columns(shop: Workshop) -> None:
    older, newer = await shop.done("quick", value="a"), await shop.done("quick", value="b")
    async with monitor(shop.url, size=(80, 24)) as shown:
        await shown.on(newer)
        await shown.press("space")
        await shown.on(older)
        await shown.press("equals_sign")
        await shown.front(CompareScreen)
        await shown.until(
            lambda: any(older in line and newer in line for line in shown.lines), "both in one line"
        )
