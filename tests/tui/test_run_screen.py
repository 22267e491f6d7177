"""A run in full on a real server: panes, live steps, logs, and the ways out."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator

from support.hostile import bundles, is_inert
from support.monitor import Monitor, monitor
from support.typing_ahead import type_ahead
from support.workshop import Workshop

from durably_tui.text import short_id
from durably_tui.tui.screens.confirm import ConfirmScreen
from durably_tui.tui.screens.copy_run import CopyScreen
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import RunsScreen
from durably_tui.tui.widgets.run_detail import PANES


@contextlib.asynccontextmanager
async def opened(shop: Workshop, run_id: str, **options) -> AsyncIterator[Monitor]:
    """The monitor with a run in full."""
    async with monitor(shop.url, **options) as shown:
        await shown.on(run_id)
        await shown.press("enter")
        await shown.front(RunScreen)
        yield shown


def pane(shown: Monitor) -> str:
    return shown.run.detail.tabs.active


async def test_the_overview_tells_what_the_run_is(shop: Workshop) -> None:
    run_id = await shop.done("broken", {"env": "prod", "team": "ops"}, message="no [space] left")
    async with opened(shop, run_id) as shown:
        await shown.shows(
            f"✖ failed  broken  {short_id(run_id)}",
            f"run  {run_id}",
            "error  no [space] left",
            "labels  env=prod  team=ops",
            "created",
            "took",
            "watched  not while it ran",
        )


async def test_what_is_long_in_the_overview_goes_on_under_itself(shop: Workshop) -> None:
    failed = await shop.done("broken", message=" ".join(f"word-{n}" for n in range(30)))
    async with opened(shop, failed) as shown:
        for width in (80, 50):
            await shown.pilot.resize_terminal(width, 30)
            await shown.until(lambda width=width: shown.app.size.width == width)
            await shown.shows("in step  burn")

            def told() -> set[str]:
                lines = [line for line in shown.lines if "word-" in line]
                at = lines[0].index("word-0")
                assert "".join(lines).count("word-") == 30
                assert len(lines) > 1
                return {line[:at].strip() for line in lines}

            await shown.until(lambda: told() == {"error", ""})


async def test_panes_open_by_their_keys_and_take_the_keys(shop: Workshop) -> None:
    run_id = await shop.done("quick", value="seen once")
    async with opened(shop, run_id) as shown:
        for key, name in zip("vslieE", PANES, strict=True):
            await shown.press(key)
            await shown.until(lambda name=name: pane(shown) == name, name)
            # What scrolls in the pane has the keys, so that j and k work at once.
            await shown.until(
                lambda name=name: shown.app.focused in shown.run.query(f"#{name} *"), "the keys"
            )
        await shown.shows("seen once")


async def test_keys_typed_at_once_behind_enter_are_meant_for_the_run(shop: Workshop) -> None:
    older = await shop.done("quick", value="older")
    await shop.done("quick", value="newer")
    async with monitor(shop.url) as shown:
        await shown.until(lambda: len(shown.ids) == 2, "both runs")
        for _ in range(3):
            await type_ahead(shown, "gj\re")
            await shown.front(RunScreen)
            await shown.until(lambda: pane(shown) == "output", "the pane that e brings")
            assert shown.run.current_run().id == older
            await shown.press("escape")
            await shown.front(RunsScreen)


async def test_the_arrows_read_a_long_line_before_they_leave_the_logs(shop: Workshop) -> None:
    async with monitor(shop.url, size=(80, 24)) as shown:
        await shown.shows("● live")
        run_id = await shop.start("loud", value="x" * 30 + "the end")
        await shown.on(run_id)
        await shown.press("enter")
        await shown.front(RunScreen)
        await shown.press("l")
        await shown.shows("xxx")
        await shown.until(lambda: shown.run.detail.logs.has_focus)
        pressed = 0
        while pane(shown) == "logs" and pressed < 20:
            await shown.press("right")
            pressed += 1
            if pane(shown) == "logs":
                last = shown.text
        assert pane(shown) == "input"
        assert pressed > 2
        assert 'the end"}' in last


async def test_the_arrows_go_from_pane_to_pane_and_round(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with opened(shop, run_id) as shown:
        await shown.until(lambda: pane(shown) == "overview")
        for key, order in (("right", [*[*PANES][1:], "overview"]), ("left", [*PANES][::-1])):
            for name in order:
                await shown.press(key)
                await shown.until(lambda name=name: pane(shown) == name, f"{key} to {name}")
                await shown.pilot.pause()


async def test_steps_grow_while_they_run(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("● live")
        await shown.on(await shop.start("held"))
        await shown.press("enter")
        await shown.front(RunScreen)
        await shown.press("s")
        await shown.shows("row-0", "✔ completed", " wait ", "● running")
        bar = shown.run.detail.steps
        (before,) = [line for line in shown.lines if " wait " in line]
        await shown.until(lambda: before not in shown.lines, "a longer time")
        assert bar.rows[-1].name == "wait"
        shop.gates["gate"].set()
        await shown.shows("✔ completed  held")
        await shown.hides("● running")


async def test_logs_arrive_while_they_are_read(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("● live")
        run_id = await shop.start("held")
        await shown.on(run_id)
        await shown.press("enter")
        await shown.front(RunScreen)
        await shown.press("l")
        await shown.shows("stored row 0", '{"row": 0}')
        assert "let go" not in shown.text
        shop.gates["gate"].set()
        await shown.shows("warn", "let go")
        assert "earlier lines were not seen" not in shown.text


async def test_a_run_that_was_met_half_way_has_the_lines_that_the_server_has_stored(
    shop: Workshop,
) -> None:
    run_id = await shop.start("held")
    async with opened(shop, run_id) as shown:
        await shown.shows("watched  for the last")
        shop.gates["gate"].set()
        await shown.press("l")
        await shown.shows("stored row 0", "let go", "the server keeps no earlier lines")


async def test_what_a_run_has_not_made_is_told_as_that(shop: Workshop) -> None:
    held, quiet = await shop.start("held"), await shop.done("quick")
    async with opened(shop, quiet) as shown:
        await shown.press("l")
        await shown.shows("This run wrote no log lines.")
        await shown.press("q")
        await shown.on(held)
        await shown.press("enter", "e")
        await shown.shows("No output yet: the run is running.")
        assert "null" not in shown.text
        await shown.press("c")
        await shown.shows("No output: the run is cancelled.")


async def test_input_output_and_error_are_json_that_can_be_read(shop: Workshop) -> None:
    done = await shop.done("quick", value="[bold]x[/]")
    async with opened(shop, done) as shown:
        await shown.press("i")
        await shown.shows('"value": "[bold]x[/]"')
        await shown.press("e")
        await shown.shows('"value": "[bold]x[/]"')
        await shown.press("q")
        failed = await shop.done("broken", message="error at [/a/b]")
        await shown.on(failed)
        await shown.press("enter", "e")
        await shown.shows("error at [/a/b]")


async def test_a_value_that_is_fetched_again_stays_where_it_is_read(shop: Workshop) -> None:
    done = await shop.done("quick", value="x")
    async with opened(shop, done) as shown:
        await shown.press("e", "j")
        await shown.shows(" .value")
        before = shown.run.inspector.state
        assert before is not None
        await shown.run.refresh_state()
        again = shown.run.inspector.state
        assert again is not None
        assert again.output is not before.output, "it was fetched"
        shown.run.paint(shown.run.session.clock())
        assert shown.run.detail.output.view.cursor_row == 1


async def test_q_esc_and_the_digit_of_the_place_go_back_to_the_run(
    shop: Workshop,
) -> None:
    first = await shop.done("quick")
    await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(first)
        for key in ("q", "escape", "1"):
            await shown.press("enter")
            await shown.front(RunScreen)
            await shown.press(key)
            await shown.front(RunsScreen)
            assert shown.runs.table.cursor_key == first
            assert shown.runs.table.has_focus


async def test_a_run_that_is_deleted_here_leaves(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with opened(shop, run_id) as shown:
        await shown.press("D")
        await shown.front(ConfirmScreen)
        await shown.press("y")
        await shown.front(RunsScreen)
        await shown.shows("No runs yet")


async def test_a_run_that_is_deleted_elsewhere_says_so(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with opened(shop, run_id) as shown:
        await shop.durably.delete_run(run_id)
        await shown.shows("gone from the server")
        await shown.press("q")
        await shown.shows("No runs yet")


async def test_what_the_table_offers_works_here_as_well(shop: Workshop) -> None:
    run_id = await shop.start("held")
    async with opened(shop, run_id) as shown:
        await shown.shows("● running")
        await shown.press("D")
        await shown.says("run is running: cancel it before you delete it")
        await shown.press("y")
        await shown.front(CopyScreen)
        await shown.press("y")
        await shown.front(RunScreen)
        await shown.until(lambda: shown.app.clipboard == run_id, "the copy")
        await shown.press("c")
        await shown.shows("⊘ cancelled  held")
        await shown.press("R")
        await shown.says("(o opens it)")
        await shown.press("o")
        await shown.shows("held", "● running")
        assert shown.run.current_run() is not None
        assert short_id(run_id) not in shown.lines[1]
        await shown.press("q", "q")
        await shown.front(RunsScreen)


async def test_times_are_written_alike_here_and_in_the_table(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with monitor(shop.url) as shown:
        await shown.on(run_id)
        await shown.press("T", "T")
        await shown.shows("Z ")
        await shown.press("enter")
        await shown.front(RunScreen)
        await shown.until(lambda: any("created" in x and "Z " in x for x in shown.lines), "UTC")
        await shown.press("T", "T", "q")
        await shown.until(
            lambda: "CREATED" in shown.text and "Z " not in shown.lines[3], "local times"
        )


async def test_neighbours_are_the_runs_of_the_same_job(shop: Workshop) -> None:
    first = await shop.done("quick", value="first of all")
    await shop.done("broken")
    last = await shop.done("quick", value="last of all")
    async with opened(shop, last) as shown:
        await shown.press("i")
        await shown.shows("last of all")
        await shown.press("left_square_bracket")
        await shown.says("This is the newest run of quick.")
        await shown.press("right_square_bracket")
        await shown.shows("run 2 of its job, newest first", short_id(first), "first of all")
        assert pane(shown) == "input"
        await shown.press("right_square_bracket")
        await shown.says("This is the oldest run of quick.")
        await shown.press("left_square_bracket")
        await shown.shows("the newest of its job", short_id(last), "last of all")


async def test_events_are_shown_as_they_came_and_unfold(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        await shown.shows("● live")
        run_id = await shop.start("held")
        await shown.on(run_id)
        await shown.press("enter")
        await shown.front(RunScreen)
        await shown.press("E")
        await shown.shows("run:trigger", "step:complete", "stepName=row-0")
        assert "not the first" not in shown.text
        await shown.until(lambda: shown.run.detail.events.table.has_focus)
        await shown.press("g", "enter")
        await shown.shows('"type": "run:trigger"')
        await shown.press("y")
        assert json.loads(shown.app.clipboard)["runId"] == run_id
        await shown.press("G", "enter")
        await shown.hides('"type": "run:trigger"')
        shop.gates["gate"].set()
        await shown.shows("run:complete")
        events = shown.run.detail.events.table
        assert events.cursor_index == len(events.rows) - 1


async def test_an_event_that_tells_a_state_does_not_pass_for_one_that_happened(
    shop: Workshop,
) -> None:
    run_id = await shop.done("quick", value="x")
    run = await shop.durably.get_run(run_id)
    assert run is not None
    async with opened(shop, run_id) as shown:
        await shown.press("E")
        await shown.shows('as it stood when it was opened  output={"value": "x"}')
        assert "duration=" not in shown.text
        (row,) = shown.run.detail.events.table.rows
        told = row[1].event.timestamp
        assert told is not None
        assert f"{told:%Y-%m-%dT%H:%M:%S}" == str(run.completed_at)[:19]


async def test_panes_say_what_of_them_nobody_saw(shop: Workshop) -> None:
    run_id = await shop.start("held")
    async with opened(shop, run_id) as shown:
        await shown.press("E")
        await shown.shows("not the first of the run")
        await shown.press("s")
        await shown.shows("Watched for the last", "lines are those that the server kept")
    async with opened(shop, run_id, abilities="0.15") as shown:
        await shown.press("s")
        await shown.shows("Watched for the last", "earlier steps and lines may be missing")
    done = await shop.done("quick")
    async with opened(shop, done) as shown:
        await shown.press("E")
        await shown.shows("not the first of the run")


async def test_any_of_four_can_be_copied_and_none_holds_the_token(shop: Workshop) -> None:
    run_id = await shop.done("quick")
    async with opened(shop, run_id) as shown:
        for key, wanted in (
            ("2", f'"id": "{run_id}"'),
            ("3", f"/run?runId={run_id}"),
            ("4", f"durably-tui run {run_id} --server {shop.url}"),
        ):
            await shown.press("y")
            await shown.front(CopyScreen)
            await shown.press(key)
            await shown.until(lambda wanted=wanted: wanted in shown.app.clipboard, wanted)
            await shown.front(RunScreen)
        before = shown.app.clipboard
        await shown.press("y")
        await shown.front(CopyScreen)
        await shown.press("escape")
        await shown.front(RunScreen)
        assert shown.app.clipboard == before


async def test_a_traceback_is_read_line_by_line(shop: Workshop) -> None:
    trace = 'Traceback (most recent call last):\n  File "/a.py", line 1, in f\nOSError: it is full'
    run_id = await shop.done("broken", message=trace)
    async with opened(shop, run_id) as shown:
        await shown.shows("error  OSError: it is full")
        await shown.press("e")
        await shown.until(lambda: any(x.strip() == "OSError: it is full" for x in shown.lines))


async def test_hostile_text_is_inert_in_every_pane(shop: Workshop) -> None:
    async with monitor(shop.url, size=(80, 24)) as shown:
        await shown.shows("● live")
        run_id = await shop.done("loud", value=bundles()[0])
        await shown.on(run_id)
        await shown.press("enter")
        await shown.front(RunScreen)
        for key in "vslieE":
            await shown.press(key)
            await shown.pilot.pause()
            assert all(is_inert(line) for line in shown.lines)
        await shown.press("enter", "y")
        assert all(is_inert(line) for line in shown.lines)
