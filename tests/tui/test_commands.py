"""One declaration for one command: key, footer, help and palette are made from it."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest
from support.monitor import monitor
from support.workshop import Workshop
from textual.binding import Binding
from textual.command import CommandPalette
from textual.screen import Screen

import durably_tui.tui.screens
from durably_tui.text import TimeStyle
from durably_tui.tui.app import MonitorApp
from durably_tui.tui.commands import Command
from durably_tui.tui.pane_keys import LOGS
from durably_tui.tui.places import PLACES
from durably_tui.tui.screens.base import READ_ONLY, CommandScreen
from durably_tui.tui.screens.copy_run import CopyScreen
from durably_tui.tui.screens.help import HelpScreen
from durably_tui.tui.screens.keys import MOVE
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import RunsScreen
from durably_tui.tui.screens.trigger import TriggerScreen

MUTATING = {"r", "R", "c", "D", "t", "ctrl+t"}


def all_screens() -> list[type[Screen[Any]]]:
    """Every screen that the monitor has."""
    screens: dict[str, type[Screen[Any]]] = {}
    for module in pkgutil.iter_modules(durably_tui.tui.screens.__path__):
        found = importlib.import_module(f"durably_tui.tui.screens.{module.name}")
        for each in vars(found).values():
            if (
                isinstance(each, type)
                and issubclass(each, Screen)
                and each.__module__ == found.__name__
            ):
                screens[each.__name__] = each
    return [each for each in screens.values() if each.__module__.startswith("durably_tui")]


def places() -> list[type[CommandScreen]]:
    """The screens with commands of their own."""
    return [each for each in all_screens() if issubclass(each, CommandScreen) and each.KEYS]


def test_the_places_are_found() -> None:
    assert {RunsScreen, RunScreen} <= set(places())


@pytest.mark.parametrize("screen", all_screens(), ids=lambda each: each.__name__)
def test_every_bound_key_does_something(screen: type[Screen[Any]]) -> None:
    bound = [b if isinstance(b, Binding) else Binding(*b) for b in screen.BINDINGS]
    for binding in bound:
        *place, name = binding.action.partition("(")[0].split(".")
        owner: type = MonitorApp if place == ["app"] else screen
        assert hasattr(owner, f"action_{name}"), binding


@pytest.mark.parametrize("place", places(), ids=lambda each: each.__name__)
def test_a_place_declares_each_key_and_each_command_once(place: type[CommandScreen]) -> None:
    keys = [key for command in place.KEYS for key in command.key_names]
    assert sorted(keys) == sorted(set(keys))
    actions = [command.action for command in place.KEYS]
    assert len(actions) == len(set(actions))
    for command in place.KEYS:
        assert command.help[0].isupper(), command
        assert not command.help.endswith("."), command
        assert command.label, command
    assert place.PLACE


@pytest.mark.parametrize("place", places(), ids=lambda each: each.__name__)
def test_whatever_changes_the_server_is_declared_so(place: type[CommandScreen]) -> None:
    declared = {key for command in place.KEYS if command.mutates for key in command.key_names}
    # In a log t is about its times.
    bound = {key for c in place.KEYS if c not in LOGS for key in c.key_names}
    assert declared == MUTATING & bound
    if place in (RunsScreen, RunScreen):
        assert declared == MUTATING


def declared(place: type[CommandScreen], key: str) -> Command:
    return next(command for command in place.KEYS if key in command.key_names)


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        ("question_mark,ctrl+e", "? ^e"),
        ("pagedown,pageup", "PageDown PageUp"),
        ("space,tab,left", "Space Tab ←"),
        ("X,f5,alt+x,ctrl+slash", "X F5 alt+x ^/"),
    ],
)
def test_keys_are_shown_as_people_write_them(keys: str, shown: str) -> None:
    command = Command("x", keys, "x", "x", "x")
    assert command.key_labels == shown
    assert command.key_label == shown.split(maxsplit=1)[0]


async def test_help_lists_every_command_of_the_place(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url, size=(100, 120)) as shown:
        await shown.on(run_id)
        for place in (RunsScreen, RunScreen):
            screen = await shown.front(place)
            await shown.until(
                lambda screen=screen: "copy_run" in {each.action for each in screen.offered()},
                "the keys where no pane has keys of its own",
            )
            await shown.press("question_mark")
            await shown.front(HelpScreen)
            await shown.shows(f"Keys · {place.PLACE}")

            def told() -> str:
                return " ".join(shown.text.replace("│", " ").split())

            def tells_of(place: type[RunsScreen | RunScreen]) -> bool:
                return all(each.help in told() for each in place.KEYS if not each.replays)

            # The dialog may be drawn before it is as tall as it will be.
            await shown.until(lambda place=place: tells_of(place), "every command")
            text = told()
            for command in place.KEYS:
                there = command.help in text
                assert there is not command.replays, f"{command}: only in a replay"
                assert command.replays or command.shown is None or command.shown in text, command
            await shown.press("escape")
            await shown.front(place)
            await shown.press("enter")


@pytest.mark.parametrize("key", ["escape", "q", "question_mark", "enter"])
async def test_any_of_these_keys_closes_help(shop: Workshop, key: str) -> None:
    async with monitor(shop.url, size=(40, 15)) as shown:
        await shown.press("question_mark")
        help_screen = await shown.front(HelpScreen)
        box = help_screen.query_one("#help")
        await shown.press("j")
        await shown.until(lambda: box.scroll_offset.y == 1, "a line further")
        await shown.press("k")
        await shown.until(lambda: box.scroll_offset.y == 0, "a line back")
        await shown.press("G")
        await shown.until(lambda: box.scroll_offset.y == box.max_scroll_y > 1, "the end")
        await shown.press("g")
        await shown.until(lambda: box.scroll_offset.y == 0, "the first line")
        await shown.press("space")
        await shown.until(lambda: box.scroll_offset.y > 1, "a page further")
        await shown.press(key)
        await shown.front(RunsScreen)
        assert shown.app.is_running


async def test_the_palette_lists_what_applies_and_does_it(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url, size=(120, 160)) as shown:
        await shown.on(run_id)
        await shown.press("ctrl+p")
        await shown.front(CommandPalette)
        await shown.shows("New run  (R)", "Trigger  (t)", "Logs  (l)")
        await shown.shows("Screenshot")
        assert shown.text.index("New run") < shown.text.index("Screenshot"), "what is here first"
        assert "Cancel  (c)" not in shown.text, "nothing to cancel in a completed run"
        assert "Commands  (" not in shown.text, "it is open already"
        assert "Maximize" not in shown.text, "panes have keys of their own here"
        await shown.press(*"copy the run")
        await shown.shows("Copy  (y): Copy the run")
        await shown.press("enter")
        await shown.front(CopyScreen)
        await shown.press("enter")
        await shown.until(lambda: shown.app.clipboard == run_id, "the copy")
        await shown.front(RunsScreen)


async def test_read_only_binds_and_offers_nothing_that_changes(shop: Workshop) -> None:
    run_id = await shop.start("held")
    async with monitor(shop.url, size=(120, 140), read_only=True) as shown:
        await shown.on(run_id)
        await shown.shows("READ-ONLY", "● running")
        for place in (RunsScreen, RunScreen):
            screen = await shown.front(place)
            active = set(screen.active_bindings)
            assert not active & MUTATING
            footer = shown.lines[-1]
            for word in ("retry", "cancel", "delete", "trigger", "new run"):
                assert word not in footer
            for key in sorted(MUTATING):
                await shown.press(key)
            await shown.pilot.pause()
            assert shown.app.screen is screen
            await shown.until(lambda: shown.toasts == [READ_ONLY], "that it is said, once")
            shown.app.clear_notifications()
            await shown.press("colon", *"delete", "enter")
            await shown.until(lambda: shown.toasts == [READ_ONLY], "that it is said")
            await shown.press("question_mark")
            await shown.front(HelpScreen)
            for key in MUTATING:
                assert declared(place, key).help not in " ".join(shown.text.split())
            await shown.press("escape", "ctrl+p")
            await shown.front(CommandPalette)
            await shown.shows("Copy  (y)")
            assert "Cancel" not in shown.text
            await shown.press("escape")
            await shown.front(place)
            await shown.press("enter")
        run = await shop.durably.get_run(run_id)
        assert run is not None
        assert run.status == "leased"


async def test_the_palette_has_the_newest_runs_of_a_job_first(shop: Workshop) -> None:
    async with monitor(shop.url, size=(120, 40)) as shown:
        await shown.shows("● live")
        runs = [await shop.done("quick") for _ in range(3)]
        await shown.until(lambda: len(shown.ids) == 3)
        await shown.press("ctrl+p")
        await shown.front(CommandPalette)
        await shown.press(*"run quick")
        await shown.shows(*(f"Run {run_id}" for run_id in runs), "last heard of")
        places = [shown.text.index(f"Run {run_id}") for run_id in runs]
        assert places == sorted(places, reverse=True)
        await shown.press("escape")


async def test_the_palette_finds_what_was_there_before_the_monitor(shop: Workshop) -> None:
    run_id = await shop.done("chatty")
    elsewhere = await shop.done("quick")
    async with monitor(shop.url, size=(120, 40)) as shown:

        async def find(query: str, *said: str) -> None:
            await shown.press("ctrl+p")
            await shown.front(CommandPalette)
            await shown.press(*query)
            await shown.shows(*said)
            await shown.press("enter")

        await shown.until(lambda: len(shown.ids) == 2)
        await find(run_id[-6:], f"Run {run_id}  chatty", "Open this run, which is completed")
        assert (await shown.front(RunScreen)).current_run().id == run_id
        await shown.press("escape")
        await shown.front(RunsScreen)
        await find("chatty", "Job chatty", "Show its runs")
        await shown.until(lambda: shown.ids == [run_id], "the runs of the job")
        await find(elsewhere, f"Run {elsewhere}", "Ask the server for this run")
        assert (await shown.front(RunScreen)).current_run().id == elsewhere
        await find("nord", "Theme nord", "Change the colours")
        await shown.until(lambda: shown.app.theme == "nord", "the theme")


async def test_a_pane_keeps_its_keys_where_nothing_can_be_changed(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url, read_only=True) as shown:
        await shown.on(run_id)
        await shown.press("l", "t")
        await shown.until(lambda: shown.runs.view.log_times is not TimeStyle.LOCAL)
        await shown.pilot.pause()
        assert shown.toasts == []
        await shown.press("escape", "q")


async def test_no_runs_on_a_server_that_is_read_only(shop: Workshop) -> None:
    async with monitor(shop.url, read_only=True) as shown:
        await shown.shows("No runs yet.")
        assert "Press t" not in shown.text


async def test_the_footer_dims_what_does_not_apply(shop: Workshop) -> None:
    done, held = await shop.done("quick"), await shop.start("held")
    async with monitor(shop.url) as shown:

        def lit() -> set[str]:
            return {b.binding.key for b in shown.app.screen.active_bindings.values() if b.enabled}

        await shown.on(done)
        await shown.until(lambda: MUTATING - lit() == {"r", "c"}, "a completed run's keys")
        await shown.on(held)
        await shown.until(lambda: MUTATING - lit() == {"r", "R", "D"}, "a running run's keys")


async def test_a_question_takes_the_keys_of_the_place_behind_it(shop: Workshop) -> None:
    run_id = await shop.start("held")
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        await shown.press("t")
        await shown.front(TriggerScreen)
        await shown.press("c", "q")
        assert isinstance(shown.app.screen, TriggerScreen)
        run = await shop.durably.get_run(run_id)
        assert run is not None
        assert run.status == "leased"


async def test_tab_is_told_where_there_are_several_panes(shop: Workshop) -> None:
    await shop.done("broken")
    async with monitor(shop.url, size=(120, 40)) as shown:
        for at, place in enumerate(each.load() for each in PLACES):
            await shown.press(str(at + 1))
            screen = await shown.front(place)
            await shown.pilot.pause()
            told = "pane" in {command.name for command in place.KEYS}
            assert told is (len(screen.focus_chain) > 1), place


def test_moving_is_told_but_bound_by_the_widgets() -> None:
    for place in places():
        bound = {b.action if isinstance(b, Binding) else b[1] for b in place.BINDINGS}
        assert not bound & {command.action for command in MOVE}
