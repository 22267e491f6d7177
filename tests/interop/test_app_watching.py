"""The app on a server of each generation: what it shows while runs come, work and end."""

from __future__ import annotations

import re

from support.peers import Peer, ReplayPeer
from support.shown import Shown, shown

from durably_tui.text import short_id
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import PAGE_SIZE, RunsScreen


def percent(cells: dict[str, str]) -> int:
    """How far the bar of a row says the run is; -1 where there is no number."""
    found = re.search(r"(\d+)%", cells["PROGRESS"])
    return int(found[1]) if found else -1


def last_line(monitor: Shown) -> int:
    """The number of the last `finished step N` that the pane shows; -1 where there is none."""
    numbers = re.findall(r"finished step (\d+)", monitor.pane)
    return int(numbers[-1]) if numbers else -1


async def test_the_list_appears(peer: Peer) -> None:
    done = await peer.done("echo", {"value": "a"}, labels={"env": "prod"})
    failed = await peer.done("fails", {"message": "disk is full"})
    running = await peer.running()
    async with shown(peer.url) as monitor:
        await monitor.until_table(running, failed, done)
        await monitor.until(lambda: "● live" in monitor.bar)
        assert peer.url in monitor.bar
        await monitor.until(lambda: "1 running  0 pending  1 failed" in monitor.bar, "its counts")
        assert [(row["STATUS"], row["JOB"]) for row in monitor.table] == [
            *(("● running", "steps"), ("✖ failed", "fails"), ("✔ completed", "echo"))
        ]
        assert monitor.row(done)["LABELS"] == ("env=prod" if peer.generation == "0.15" else "")
        assert monitor.trouble == ""
        await monitor.shows("all runs · page 1 · live · 3 shown")


async def test_an_empty_server_says_how_to_begin(peer: Peer) -> None:
    async with shown(peer.url) as monitor:
        await monitor.shows("● live", "No runs yet. Press t to trigger one.")
        new = await peer.done("echo", {"value": "a"})
        await monitor.until_row(new, status="✔ completed")


async def test_progress_moves_while_a_run_works(peer: Peer) -> None:
    async with shown(peer.url) as monitor:
        await monitor.shows("● live")
        run_id = await peer.trigger("steps", {"count": 20, "delayMs": 100})
        seen = []
        while "completed" not in monitor.row(run_id)["STATUS"]:
            seen.append((percent(monitor.row(run_id)), monitor.row(run_id)["STEP"]))
            now = monitor.row(run_id)
            await monitor.until(lambda now=now: monitor.row(run_id) != now)
        percents = [number for number, _ in seen if number >= 0]
        assert percents == sorted(percents)
        assert len(set(percents)) >= 2, seen
        assert {step for _, step in seen if step} <= {f"step-{i}" for i in range(20)}
        assert any(step for _, step in seen)
        await monitor.until(lambda: percent(monitor.row(run_id)) == 100)


async def test_logs_follow_in_the_preview_and_in_the_run(peer: Peer) -> None:
    async with shown(peer.url) as monitor:
        await monitor.shows("● live")
        run_id = await peer.trigger("steps", {"count": 2000, "delayMs": 15})
        await monitor.until_row(run_id, status="running")
        await monitor.until_pane("finished step 3")
        before = last_line(monitor)
        await monitor.until(lambda: last_line(monitor) >= before + 12)  # it has scrolled by then
        assert "finished step 0 " not in monitor.pane

        await monitor.press("enter")
        await monitor.front(RunScreen)
        assert short_id(run_id) in monitor.strips[1].text
        await monitor.until_pane("status  ● running", "job  steps", run_id)
        await monitor.press("l")
        await monitor.until(lambda: last_line(monitor) > before + 12)
        before = last_line(monitor)
        await monitor.until(lambda: last_line(monitor) >= before + 5)
        await monitor.press("g")  # what has been read stays in sight: the first line was seen too
        await monitor.until_pane("finished step 0 ")
        await monitor.press("q")
        await monitor.front(RunsScreen)
        await monitor.until_row(run_id, status="running")


async def test_a_run_in_full(peer: Peer) -> None:
    async with shown(peer.url) as monitor:
        await monitor.shows("● live")
        run_id = await peer.done("steps", {"count": 3, "delayMs": 30})
        await monitor.until_row(run_id, status="completed")
        await monitor.press("enter")
        await monitor.front(RunScreen)
        await monitor.until_pane("✔ completed", run_id, "100%  3/3", "step 3 of 3")
        await monitor.press("s")
        await monitor.until_pane("step-0", "step-1", "step-2")
        assert monitor.pane.count("✔ completed") == 3
        await monitor.press("l")
        await monitor.until_pane("finished step 0", "finished step 1", "finished step 2")
        await monitor.press("i")
        await monitor.until_pane("count", "3", "delayMs", "30")
        await monitor.press("e")
        await monitor.until_pane("done", "3")
        await monitor.press("escape")
        await monitor.front(RunsScreen)


async def test_a_failed_run_in_full_says_why(peer: Peer) -> None:
    async with shown(peer.url) as monitor:
        await monitor.shows("● live")
        run_id = await peer.done("fails", {"message": "disk is full"})
        await monitor.until_row(run_id, status="failed")
        await monitor.until_pane("warn", "about to fail")
        await monitor.press("enter")
        await monitor.front(RunScreen)
        await monitor.until_pane("✖ failed", "disk is full")
        await monitor.press("s")
        await monitor.until_pane("boom", "✖ failed")
        await monitor.press("e")
        await monitor.until_pane("disk is full")


async def test_failed_only(peer: Peer) -> None:
    first = await peer.done("fails", {"message": "first"})
    done = await peer.done("echo", {"value": "a"})
    async with shown(peer.url) as monitor:
        await monitor.until_table(done, first)
        await monitor.press("f")
        await monitor.until_table(first)
        await monitor.shows("status:failed · page 1 · live · 1 shown")
        second = await peer.done("fails", {"message": "second"})
        await peer.done("echo", {"value": "b"})
        await monitor.until_table(second, first)
        await monitor.press("f")
        await monitor.until(lambda: len(monitor.table) == 4)
        await monitor.press("f")
        await monitor.until_table(second, first)
        await monitor.press("escape")
        await monitor.until(lambda: len(monitor.table) == 4)


async def test_08_pages(replay: ReplayPeer) -> None:
    for number in range(PAGE_SIZE + 3):
        replay.durably.trigger("echo", {"value": str(number)})
        await replay.durably.process_one()
    async with shown(replay.url, size=(120, 90)) as monitor:
        await monitor.shows(f"page 1 · live · {PAGE_SIZE} shown · ] older")
        await monitor.press("]")
        await monitor.shows("page 2 · still (0 goes back to the live page) · 3 shown")
        await monitor.until(lambda: len(monitor.table) == 3)
        new = await replay.done("fails", {"message": "a"})
        await monitor.press("]")
        await monitor.until_toast("This is the last page: there are no older runs.")
        assert short_id(new) not in monitor.shown_ids
        await monitor.press("0")
        await monitor.until_row(new, status="failed")
        assert monitor.shown_ids[0] == short_id(new)
