"""The line of a filter: what it can become, Tab through all of it, and what it understood."""

from __future__ import annotations

from support.monitor import monitor
from support.typing_ahead import type_ahead
from support.workshop import Workshop

from durably_tui.filters import KEYS
from durably_tui.protocol import Run, RunStatus
from durably_tui.tui.seen import MOST_LABELS, Seen
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


def test_a_name_that_has_to_be_quoted_is_completed_from_its_first_letters() -> None:
    seen = Seen()
    labels = {"team": "on call"}
    seen.take([Run(id="1", job_name="import csv", status=RunStatus.FAILED, labels=labels)])
    for typed in ("job:imp", 'job:"imp', 'job:"import c'):
        assert seen.lines(f"x {typed}") == ['x job:"import csv"'], typed
    assert seen.lines('job:"import csv"') == []
    assert seen.lines('job:"a, b",imp') == ['job:"a, b","import csv"']
    assert seen.lines("label:team=o") == ['label:"team=on call"']


async def test_what_is_quoted_is_shown_whole_under_the_line(shop: Workshop) -> None:
    await shop.done("quick", {"team": "on call, 2"})
    async with monitor(shop.url) as shown:
        await shown.until(lambda: shown.ids)
        line = shown.runs.query_one(FilterLine)
        await shown.press("slash", *"label:t")
        await shown.shows(' "team=on call, 2" ')
        await shown.press("tab", "enter")
        assert line.value == 'label:"team=on call, 2"'
        await shown.shows('label:"team=on call, 2" · live · 1 shown')


def test_of_labels_that_are_different_in_every_run_the_last_are_remembered() -> None:
    seen = Seen()
    for number in range(MOST_LABELS + 5):
        labels = {"customer": f"{number}"}
        seen.take([Run(id="1", job_name="a", status=RunStatus.FAILED, labels=labels)] * 2)
    assert len(seen.labels) == MOST_LABELS
    assert f"customer={MOST_LABELS + 4}" in seen.labels
    assert "customer=4" not in seen.labels


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
