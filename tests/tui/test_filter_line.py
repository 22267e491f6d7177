"""The line of a filter: what it can become, Tab through all of it, and what it understood."""

from __future__ import annotations

from support.monitor import monitor
from support.typing_ahead import type_ahead
from support.workshop import Workshop

from durably_tui.filters import KEYS
from durably_tui.protocol import Run, RunStatus
from durably_tui.tui.seen import Seen
from durably_tui.tui.widgets.filter_line import FilterLine
from durably_tui.tui.widgets.offers import Offers


def test_what_is_offered_is_gone_through_round_and_round() -> None:
    offers = Offers(lambda line: [f"{line}a", f"{line}b"] if line in {"", "b"} else [])
    assert offers.of("") == (["a", "b"], -1)
    assert offers.take("", 1) == "a"
    assert offers.of("a") == (["a", "b"], 0)
    assert offers.take("a", 1) == "b"
    assert offers.take("b", 1) == "a", "round, though b can be completed itself"
    assert offers.take("a", -1) == "b"
    assert offers.take("c", 1) is None
    assert offers.take("", -1) == "b"
    assert offers.of("b ") == ([], -1), "something else is typed"
    assert offers.of("b") == (["ba", "bb"], -1), "and taken back"
    assert offers.take("", 1) == "a"
    offers.forget()
    assert offers.of("a") == ([], -1)


def test_the_last_word_is_completed_with_what_was_seen() -> None:
    seen = Seen()
    seen.take([Run(id="1", job_name="import csv", status=RunStatus.FAILED, labels={"env": "prod"})])
    assert seen.lines("x -s") == ["x -status:"]
    assert seen.lines("x ") == [f"x {key}:" for key in KEYS]
    assert seen.lines("job:") == ['job:"import csv"']
    assert seen.lines("status:failed,ca") == ["status:failed,cancelled"]
    assert seen.lines("label:env") == ["label:env=prod"]
    assert seen.lines("csv") == []


async def test_tab_goes_through_what_the_line_under_it_shows(shop: Workshop) -> None:
    await shop.done("quick")
    await shop.done("broken")
    async with monitor(shop.url, size=(80, 24)) as shown:
        await shown.until(lambda: len(shown.ids) == 2)
        line = shown.runs.query_one(FilterLine)
        await shown.press("slash")
        await shown.shows("status:  job:  label:  input:  error:  id:  age:")
        await shown.press(*"st", "tab", "tab")
        assert line.value == "status:pending"
        await shown.shows("pending  running  completed  failed  cancelled")
        await shown.press("tab", "tab", "tab")
        assert line.value == "status:failed"
        await shown.press("shift+tab")
        assert line.value == "status:completed"
        await shown.press("tab", "space", *"age:")
        await shown.shows("<1h younger, >1h older")
        await shown.press(*"x")
        await shown.shows("'x' is not an age: <1h younger")
        await shown.press(*["backspace"] * 5, "enter")
        await shown.until(lambda: len(shown.ids) == 1, "the failed one")
        assert not line.choices.display
        await shown.press("slash")
        assert line.value == "status:failed"
        await shown.press("tab")
        assert line.value == "status:failed", "a line that is opened anew begins anew"
        await shown.press("escape", "escape")
        await type_ahead(shown, "/jo\t\t\r")
        await shown.until(lambda: shown.runs.filter_text.startswith("job:"), "the filter")
        assert shown.runs.filter_text in {"job:broken", "job:quick"}
