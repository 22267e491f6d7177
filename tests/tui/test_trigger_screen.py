"""The dialog that makes a new run: what it reads, what it refuses, and what it keeps."""

from __future__ import annotations

import pytest
from support.monitor import Monitor, monitor
from support.workshop import Workshop
from textual.widgets import Input, TextArea

from durably_tui.tui.screens.runs import RunsScreen
from durably_tui.tui.screens.trigger import (
    BadField,
    TriggerScreen,
    read_input,
    read_job,
    read_labels,
    write_labels,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", {}),
        (" \n\t", {}),
        ("{}", {}),
        ('{"rows": 3, "deep": [null, true, 1.5]}', {"rows": 3, "deep": [None, True, 1.5]}),
        ('  "only a text"  ', "only a text"),
        ("7", 7),
        ("null", None),
        ('{"text": "\\u00fc \\n [b]"}', {"text": "ü \n [b]"}),
    ],
)
def test_input_that_is_json(text: str, value: object) -> None:
    assert read_input(text) == value


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", "line 1, column 2"),
        ('{\n  "rows": 3,\n}', "line 3, column 1"),
        ("{'rows': 3}", "line 1, column 2"),
        ('{"rows": }', "line 1, column 10"),
        ("rows=3", "line 1, column 1"),
        ('{"rows": 3} {}', "line 1, column 13"),
    ],
)
def test_input_that_is_no_json_says_where(text: str, place: str) -> None:
    with pytest.raises(BadField, match=f"^The input is not JSON: .* at {place}[.]$") as told:
        read_input(text)
    assert told.value.field == "input"


@pytest.mark.parametrize("text", ["NaN", '{"rows": Infinity}', "[-Infinity]"])
def test_numbers_that_json_does_not_know_are_refused(text: str) -> None:
    with pytest.raises(BadField, match="The input is not JSON"):
        read_input(text)


def test_input_that_is_nested_without_end_is_refused_in_a_sentence() -> None:
    with pytest.raises(BadField, match="The input is not JSON"):
        read_input("[" * 100_000)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("", {}),
        ("env=prod", {"env": "prod"}),
        ("  env=prod\tteam=ops ", {"env": "prod", "team": "ops"}),
        ("empty=", {"empty": ""}),
        ("formula=a=b=c", {"formula": "a=b=c"}),
        ("a.b/c-d_e=1", {"a.b/c-d_e": "1"}),
        ("env=prod env=staging", {"env": "staging"}),
    ],
)
def test_labels(text: str, labels: dict[str, str]) -> None:
    assert read_labels(text) == labels
    assert read_labels(write_labels(labels)) == labels


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("prod", "The label 'prod' is not key=value."),
        ("env=prod team", "The label 'team' is not key=value."),
        ("=prod", "The label key '' may have only letters, digits and - _ . / in it."),
        ("ümlaut=1", "The label key 'ümlaut' may have only letters, digits and - _ . / in it."),
    ],
)
def test_labels_that_durably_would_refuse(text: str, sentence: str) -> None:
    with pytest.raises(BadField) as told:
        read_labels(text)
    assert (str(told.value), told.value.field) == (sentence, "labels")


def test_a_job_needs_a_name() -> None:
    assert read_job(" held ") == "held"
    with pytest.raises(BadField, match="Name the job"):
        read_job("  ")


def fields(shown: Monitor) -> tuple[str, str, str]:
    """Job, input and labels as they stand in the dialog."""
    dialog = shown.at(TriggerScreen)
    return (
        dialog.query_one("#job", Input).value,
        dialog.query_one("#input", TextArea).text,
        dialog.query_one("#labels", Input).value,
    )


async def test_a_run_is_made_by_typing(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("No runs yet")
        await shown.press("t")
        dialog = await shown.front(TriggerScreen)
        assert shown.app.focused is dialog.query_one("#job")
        await shown.press(*"quick", "tab")
        await shown.until(lambda: shown.app.focused is dialog.query_one("#input"))
        await shown.press(*'{"value":"typed"}', "tab")
        await shown.press(*"env=prod", "enter")
        await shown.shows("✔ completed", "env=prod")
        await shown.says("(o opens it)")
        (run,) = await shop.durably.get_runs()
        assert (run.job_name, run.input, run.labels) == (
            "quick",
            {"value": "typed"},
            {"env": "prod"},
        )


async def test_it_begins_with_the_job_or_all_of_the_run_under_the_cursor(shop: Workshop) -> None:
    run_id = await shop.done("quick", {"env": "prod"}, value="copied")
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        await shown.press("t")
        await shown.front(TriggerScreen)
        assert fields(shown) == ("quick", "{}", "")
        await shown.press("escape")
        await shown.front(RunsScreen)
        await shown.press("ctrl+t")
        dialog = await shown.front(TriggerScreen)
        assert fields(shown) == ("quick", '{\n  "value": "copied"\n}', "env=prod")
        assert shown.app.focused is dialog.query_one("#input")
        await shown.press("ctrl+s")
        await shown.until(lambda: len(shown.ids) == 2, "the copy")
        assert {run.input["value"] for run in await shop.durably.get_runs()} == {"copied"}


async def test_esc_makes_nothing(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("No runs yet")
        await shown.press("t", *"quick", "escape")
        await shown.front(RunsScreen)
        await shown.press("ctrl+r")
        assert shown.ids == []
        assert await shop.durably.get_runs() == []


async def test_what_cannot_be_sent_is_told_and_kept(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("No runs yet")
        await shown.press("t")
        dialog = await shown.front(TriggerScreen)
        await shown.press("ctrl+s")
        await shown.shows("Name the job that is to run.")
        await shown.press(*"quick", "tab")
        dialog.query_one("#input", TextArea).text = '{\n "value": \n}'
        dialog.query_one("#labels", Input).value = "oops"
        await shown.press("ctrl+s")
        await shown.shows("The input is not JSON: Expecting value at line 3, column 1.")
        assert shown.app.focused is dialog.query_one("#input")
        dialog.query_one("#input", TextArea).text = '{"value": "x"}'
        await shown.press("ctrl+s")
        await shown.shows("The label 'oops' is not key=value.")
        assert shown.app.focused is dialog.query_one("#labels")
        assert fields(shown) == ("quick", '{"value": "x"}', "oops")
        assert await shop.durably.get_runs() == []


async def test_what_the_server_refuses_keeps_everything(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("No runs yet")
        await shown.press("t", *"nobody")
        await shown.front(TriggerScreen)
        await shown.press("ctrl+s")
        await shown.shows("answered 404", "check the name of the job")
        kept = fields(shown)
        assert kept == ("nobody", "{}", "")
        dialog = shown.at(TriggerScreen)
        dialog.query_one("#job", Input).value = "held"
        dialog.query_one("#input", TextArea).text = '{"steps": "many [b]"}'
        await shown.press("ctrl+s")
        await shown.shows("answered 400", "correct it and send it again")
        assert fields(shown) == ("held", '{"steps": "many [b]"}', "")
        dialog.query_one("#input", TextArea).text = '{"steps": 2}'
        await shown.press("f2")
        await shown.front(RunsScreen)
        await shown.shows("held")


async def test_it_fits_on_a_small_screen(shop: Workshop) -> None:
    async with monitor(shop.url, size=(40, 15)) as shown:
        await shown.press("t")
        await shown.front(TriggerScreen)
        await shown.press("ctrl+s")
        await shown.shows("Name the job that is", "Labels", "env=prod", "Input (JSON)")
        assert all(len(line) == 40 for line in shown.lines)
