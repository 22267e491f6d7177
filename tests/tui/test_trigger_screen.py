"""The dialog that makes a new run: what it offers, what it refuses, and what it keeps."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.hostile import HOSTILE
from support.listing_jobs import listing_jobs
from support.monitor import Monitor, monitor
from support.replay08 import replay08
from support.typing_ahead import type_ahead
from support.workshop import Workshop
from textual.widgets import Input, Select, Static

from durably_tui.tui.screens.runs import RunsScreen
from durably_tui.tui.screens.trigger import TriggerScreen


def value(dialog: TriggerScreen, selector: str) -> str:
    return dialog.query_one(selector, Input).value


def typed(dialog: TriggerScreen) -> Any:
    """The input as it stands: its value in the form, its text in the editor."""
    draft = dialog.input.draft()
    return draft.value if draft.text is None else draft.text


async def dialog_of(shown: Monitor, job: str = "", *, form: bool = True) -> TriggerScreen:
    """Open the dialog for a job, and wait until it is known what it takes."""
    await shown.press("t")
    dialog = await shown.front(TriggerScreen)
    if job:
        if value(dialog, "#job") != job:
            assert shown.app.focused is dialog.query_one("#job")
            dialog.query_one("#job", Input).value = job
            await shown.press("tab")
        await shown.until(lambda: dialog._job == job and dialog.input.is_form is form)
        place = dialog.input.form if form else dialog.input
        await shown.until(lambda: place.has_focus_within)
    return dialog


async def test_a_run_is_made_by_typing_into_a_form(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("No runs yet")
        dialog = await dialog_of(shown)
        assert shown.app.focused is dialog.query_one("#job")
        await shown.press(*"quick", "tab")
        await shown.shows('value  text, else "x"')
        await shown.until(lambda: dialog.input.form.has_focus_within)
        await shown.press(*"typed", "tab")
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
        dialog = await dialog_of(shown)
        await shown.until(lambda: dialog.input.is_form)
        assert (value(dialog, "#job"), typed(dialog), value(dialog, "#labels")) == ("quick", {}, "")
        await shown.press("escape")
        await shown.front(RunsScreen)
        await shown.press("ctrl+t")
        dialog = await shown.front(TriggerScreen)
        await shown.until(lambda: dialog.input.is_form)
        assert (typed(dialog), value(dialog, "#labels")) == ({"value": "copied"}, "env=prod")
        await shown.press("ctrl+s")
        await shown.until(lambda: len(shown.ids) == 2, "the copy")
        assert {run.input["value"] for run in await shop.durably.get_runs()} == {"copied"}


async def test_the_name_of_a_job_that_never_ran_is_completed(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        dialog = await dialog_of(shown)
        job = dialog.query_one("#job", Input)
        await shown.until(lambda: dialog._desk is not None and dialog._desk._jobs)
        await shown.press(*"qu")
        await shown.until(lambda: job._suggestion == "quick")
        await shown.press("right")
        assert job.value == "quick"


async def test_tab_takes_what_is_offered_and_then_goes_on(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        dialog = await dialog_of(shown)
        await shown.shows("the job's name: broken, chatty, held, loud, quick")
        job = dialog.query_one("#job", Input)
        await shown.press(*"he")
        await shown.until(lambda: job._suggestion == "held")
        await shown.press("tab")
        assert job.value == "held"
        assert shown.app.focused is job
        await shown.until(lambda: dialog._job == "held" and dialog.input.is_form)
        await shown.press("tab")
        await shown.until(lambda: shown.app.focused is not job)


async def test_fields_that_are_typed_at_once_each_get_what_is_theirs(shop: Workshop) -> None:
    """As over a slow line."""
    async with monitor(shop.url) as shown:
        dialog = await dialog_of(shown, "quick")
        dialog.query_one("#labels", Input).focus()
        await type_ahead(shown, "env=prox\x7fd\tonce\ttwo\x7fo")
        await shown.until(lambda: value(dialog, "#concurrency") == "two")
        assert value(dialog, "#labels") == "env=prod"
        assert value(dialog, "#idempotency") == "once"


async def test_a_job_that_the_server_does_not_have_is_told_at_once(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await dialog_of(shown)
        await shown.press(*"helb", "tab")
        await shown.shows("The server has no job 'helb': there are broken, chatty, held,")


async def test_what_was_wrong_is_told_until_something_is_typed(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        dialog = await dialog_of(shown, "quick")
        trouble = dialog.query_one("#trouble", Static)
        dialog.query_one("#labels", Input).value = "no label"
        await shown.press("ctrl+s")
        await shown.until(lambda: trouble.display)
        await shown.press("ctrl+t", "x")
        await shown.until(lambda: not trouble.display)
        await shown.press("ctrl+s")
        await shown.until(lambda: trouble.display)
        dialog.query_one("#labels", Input).value = "env=prod"
        await shown.until(lambda: not trouble.display)


async def test_esc_makes_nothing(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("No runs yet")
        await shown.press("t", *"quick", "escape")
        await shown.front(RunsScreen)
        await shown.press("ctrl+r")
        assert shown.ids == []
        assert await shop.durably.get_runs() == []


async def test_fields_are_checked_as_one_types(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        dialog = await dialog_of(shown, "held")
        await shown.shows("gate  text", "steps  whole number, else 1")
        await shown.press("tab", *"man")
        await shown.shows("Must be a whole number, not 'man'.")
        await shown.press("ctrl+s")
        await shown.shows("steps: must be a whole number, not 'man'.")
        assert isinstance(shown.app.screen, TriggerScreen)
        await shown.press(*["backspace"] * 3, "2")
        await shown.hides("Must be a whole number")
        dialog.query_one("#labels", Input).value = "oops"
        await shown.press("ctrl+s")
        await shown.shows("The label 'oops' is not key=value.")
        assert shown.app.focused is dialog.query_one("#labels")
        assert await shop.durably.get_runs() == []
        dialog.query_one("#labels", Input).value = ""
        await shown.press("f2")
        await shown.front(RunsScreen)
        await shown.shows("stored row 1")


async def test_the_form_and_the_editor_lose_nothing_of_each_other(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        dialog = await dialog_of(shown, "held")
        await shown.press(*"door", "tab", *"many", "ctrl+t")
        await shown.until(lambda: not dialog.input.is_form)
        assert json.loads(typed(dialog)) == {"gate": "door", "steps": "many"}
        assert shown.app.focused is dialog.input.editor
        await shown.shows("Input (JSON)", "^T form")
        odd = '{"steps":3,"gate" : "a",\n\n"more": [1, {"x": null}], "much": 1.0}'
        dialog.input.editor.text = odd
        await shown.press("ctrl+t")
        await shown.until(lambda: dialog.input.is_form)
        await shown.press("ctrl+t")
        await shown.until(lambda: not dialog.input.is_form)
        assert typed(dialog) == odd, "to the blank, where nothing was typed into the form"
        await shown.press("ctrl+t")
        await shown.until(lambda: dialog.input.form.has_focus_within)
        await shown.press("end", "b", "ctrl+t")
        await shown.until(lambda: not dialog.input.is_form)
        assert json.loads(typed(dialog)) == json.loads(odd) | {"gate": "ab"}


async def test_the_editor_warns_but_leaves_it_to_the_server(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        dialog = await dialog_of(shown, "held")
        await shown.press("ctrl+t")
        await shown.until(lambda: not dialog.input.is_form)
        dialog.input.editor.text = '{"steps": "many [b]"}'
        await shown.shows("steps: must be a whole number, not 'many [b]'.")
        await shown.press("ctrl+s")
        await shown.shows("answered 400", "correct it and send it again")
        assert typed(dialog) == '{"steps": "many [b]"}'
        for text, sentence in (
            ('{"steps": ', "The form cannot show it yet: it is not JSON: Expecting value"),
            ("[1]", "The input is not an object: only the JSON editor can show it."),
        ):
            dialog.input.editor.text = text
            await shown.press("ctrl+t")
            await shown.shows(sentence)
            assert not dialog.input.is_form
            assert typed(dialog) == text
        dialog.input.editor.text = '{\n "steps": \n}'
        await shown.press("ctrl+s")
        await shown.shows("The input is not JSON: Expecting value at line 3, column 1.")
        assert shown.app.focused is dialog.input.editor
        dialog.input.editor.text = '{"steps": 2}'
        await shown.press("ctrl+s")
        await shown.front(RunsScreen)


async def test_without_a_job_nothing_is_sent(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await dialog_of(shown)
        await shown.press("ctrl+s")
        await shown.shows("Name the job that is to run.")
        dialog = shown.at(TriggerScreen)
        await shown.press(*"nobody", "ctrl+s")
        await shown.shows("answered 404", "check the name of the job")
        assert (value(dialog, "#job"), typed(dialog)) == ("nobody", "{}")


async def test_inputs_are_remembered(shop: Workshop) -> None:
    await shop.done("quick", value="by the server")
    async with monitor(shop.url) as shown:
        await dialog_of(shown, "quick")
        await shown.press(*"first", "tab", *"env=prod", "ctrl+s")
        await shown.front(RunsScreen)
    async with monitor(shop.url) as shown:
        dialog = await dialog_of(shown, "quick")
        await shown.shows("^O older input")
        await shown.press(*"mine", "ctrl+o")
        await shown.shows("Input 1 of 2, ", "^N goes back.")
        assert (typed(dialog), value(dialog, "#labels")) == ({"value": "first"}, "env=prod")
        await shown.press("ctrl+o")
        await shown.shows("Input 2 of 2")
        assert typed(dialog) == {"value": "by the server"}
        await shown.press("ctrl+n", "ctrl+n")
        await shown.until(lambda: typed(dialog) == {"value": "mine"})
        await shown.press("ctrl+t", "ctrl+o")
        await shown.until(lambda: typed(dialog) == '{\n  "value": "first"\n}')
        await shown.press("ctrl+s")
        await shown.front(RunsScreen)
        await shown.until(lambda: len(shown.ids) == 3)


async def test_an_input_that_the_server_completed_is_remembered_once(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await dialog_of(shown, "quick")
        await shown.press("ctrl+s")
        await shown.shows("✔ completed")
        (run,) = await shop.durably.get_runs()
        assert run.input == {"value": "x"}
        dialog = await dialog_of(shown, "quick")
        await shown.press("ctrl+o")
        await shown.shows("Input 1 of 1, ")
        assert typed(dialog) == {}


async def test_keys_are_sent(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        for said in ("Triggered run", "That run already existed"):
            dialog = await dialog_of(shown, "quick")
            dialog.query_one("#idempotency", Input).value = "once"
            dialog.query_one("#concurrency", Input).value = " one "
            await shown.press("ctrl+s")
            await shown.says(said)
        (run,) = await shop.durably.get_runs()
        assert (run.idempotency_key, run.concurrency_key) == ("once", "one")


async def test_without_a_schema_it_begins_with_the_last_input() -> None:
    async with replay08() as old, monitor(old.url) as shown:
        last = next(iter(run for run in reversed(old.durably.runs.values())))
        dialog = await dialog_of(shown, last["jobName"], form=False)
        await shown.until(lambda: json.loads(typed(dialog)) == last["payload"])
        await shown.press("ctrl+t")
        await shown.shows("No schema is known for its input, so there is no form.")
        dialog.input.editor.text = '{"mine": 1}'
        dialog.query_one("#job", Input).value = "another"
        await shown.until(lambda: dialog._job == "another")
        assert typed(dialog) == '{"mine": 1}', "what was typed stays for another job"


async def test_choices_lists_and_objects() -> None:
    """Against a server that lists a job whose schema has all kinds, and texts of a stranger."""
    schema = {
        "type": "object",
        "required": ["speed", "where"],
        "properties": {
            "speed": {"enum": ["slow", "fast", *HOSTILE[:3]], "description": HOSTILE[5]},
            "sure": {"type": "boolean", "default": False},
            "tags": {"type": "array", "items": {"type": "string"}},
            "where": {
                "type": "object",
                "properties": {"city": {"type": "string", "minLength": 2}},
                "required": ["city"],
            },
            "any[b]": {},
            HOSTILE[1]: {"type": "string", "title": HOSTILE[1]},
        },
    }
    async with listing_jobs({"strange": schema}) as server, monitor(server.url) as shown:
        dialog = await dialog_of(shown, "strange")
        await shown.press("ctrl+s")
        await shown.shows("Is required.", "speed: is required. (1 more)")
        assert isinstance(shown.app.focused, Select)
        await shown.press("enter", "down", "enter")
        await shown.until(lambda: typed(dialog).get("speed") is not None)
        await shown.press("tab", "tab", *"one", "enter", *"two", "tab", *"X")
        await shown.shows("Must have at least 2 characters.")
        await shown.press("y", "tab", *"[1]")
        assert typed(dialog) == {
            "speed": "slow",
            "tags": ["one", "two"],
            "where": {"city": "Xy"},
            "any[b]": [1],
        }
        await shown.press("ctrl+s")
        await shown.front(RunsScreen)
        assert server.triggered[-1]["input"] == {
            "speed": "slow",
            "tags": ["one", "two"],
            "where": {"city": "Xy"},
            "any[b]": [1],
        }


async def test_the_name_of_a_field_is_in_sight_with_it() -> None:
    names = [f"field-{number}" for number in range(30)]
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
    async with (
        listing_jobs({"long": schema}) as server,
        monitor(server.url, size=(80, 24)) as shown,
    ):
        dialog = await dialog_of(shown, "long")
        form = dialog.input.form
        for row, name in zip(form.rows[:5], names, strict=False):
            dialog.query_one("#labels").focus()
            await shown.until(lambda: not form.has_focus_within)
            # Where it is typed is in sight, so that Textual has nothing to scroll to.
            form.scroll_to(y=2 * form.rows.index(row) + 1, animate=False)
            await shown.until(lambda name=name: f" {name} " not in shown.text, "the name is gone")
            row.editor.focus()
            await shown.shows(f" {name} ")


async def test_a_number_that_is_too_large_stays_one_and_is_told_once() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}}
    async with listing_jobs({"small": schema}) as server, monitor(server.url) as shown:
        dialog = await dialog_of(shown, "small")
        await shown.press(*"10", "ctrl+t")
        await shown.until(lambda: not dialog.input.is_form)
        assert json.loads(typed(dialog)) == {"n": 10}
        await shown.press("ctrl+a", "right", "space")
        await shown.shows("n: must be at most 9.")
        await shown.press("ctrl+t", "ctrl+s")
        await shown.until(lambda: dialog.query_one("#trouble").display, "what is wrong")
        assert shown.text.count("n: must be at most 9.") == 1
        assert not server.triggered


async def test_with_sixteen_colours_an_edge_tells_where_a_field_is(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        shown.app.theme = "ansi-dark"
        await dialog_of(shown, "held")
        await shown.shows("▌held", "▌env=prod", "▌idempotency key")
        await shown.until(
            lambda: sum("▌" in line for line in shown.lines) == 5,
            "two fields, a line each, and two side by side",
        )
        await shown.press("ctrl+t")
        await shown.shows("▌{")


@pytest.mark.parametrize("size", [(40, 15), (80, 24), (200, 60)])
async def test_it_fits_on_every_screen(shop: Workshop, size: tuple[int, int]) -> None:
    async with monitor(shop.url, size=size) as shown:
        dialog = await dialog_of(shown)
        await shown.press("ctrl+s")
        await shown.shows("Name the job that is", "Labels", "env=prod", "Input (JSON)")
        dialog.query_one("#job", Input).value = "held"
        await shown.shows("gate", "Labels", "idempotency")
        assert all(len(line) == size[0] for line in shown.lines)
