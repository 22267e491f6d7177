"""The app on a server of each generation: runs retried, started anew, cancelled and deleted."""

from __future__ import annotations

from pathlib import Path

from support.peers import Peer
from support.shown import Shown, shown

from durably_tui.state import Action
from durably_tui.text import short_id
from durably_tui.tui.screens.confirm import ConfirmScreen
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import RunsScreen


async def on_row(monitor: Shown, run_id: str, status: str) -> None:
    """Wait until a run is shown in that state, and go down to it by key."""
    await monitor.until_row(run_id, status=status)
    while short_id(run_id) not in (line := cursor_line(monitor)):
        await monitor.press("j")
        await monitor.until(lambda line=line: cursor_line(monitor) != line, "another row")


def cursor_line(monitor: Shown) -> str:
    return next((strip.text for strip in monitor.strips if "▸" in strip.text[:3]), "")


async def test_r_makes_a_failed_run_go_again(peer: Peer, tmp_path: Path) -> None:
    go = tmp_path / "go"
    failed = await peer.done("flaky", {"until": str(go)})
    async with shown(peer.url) as monitor:
        await on_row(monitor, failed, "✖ failed")
        go.touch()
        await monitor.press("r")
        if peer.generation == "0.8":
            # The same run resumes: no other row appears.
            await monitor.until_toast("The same run resumes after its last finished step.")
            await monitor.until_row(failed, status="✔ completed")
            await monitor.until_table(failed)
            await monitor.press("enter", "s")
            await monitor.front(RunScreen)
            await monitor.until_pane("prepare", "work", "✔ completed")
            assert monitor.pane.count("prepare") == 1
        else:
            await monitor.until_toast("A new run with the same input was made", "(o opens it).")
            new = (await peer.runs())[0]["id"]
            await monitor.until_toast(new)
            await monitor.until_table(new, failed)
            await monitor.until_row(new, status="✔ completed", job="flaky")
            assert monitor.row(failed)["STATUS"] == "✖ failed"
            await monitor.press("o")
            await monitor.front(RunScreen)
            await monitor.until_pane(new, "✔ completed")
        assert peer.generation in monitor.bar


async def test_r_on_a_run_that_fails_again(peer: Peer) -> None:
    failed = await peer.done("fails", {"message": "disk is full"})
    async with shown(peer.url) as monitor:
        await on_row(monitor, failed, "✖ failed")
        await monitor.press("r")
        again = peer.generation == "0.8"
        await monitor.until_toast(
            "The same run resumes" if again else "A new run with the same input"
        )
        await monitor.until(lambda: len(monitor.table) == (1 if again else 2))
        await monitor.until(lambda: all(row["STATUS"] == "✖ failed" for row in monitor.table))


async def test_capital_r_starts_a_new_run_where_the_server_can(peer: Peer) -> None:
    done = await peer.done("echo", {"value": "a"}, labels={"env": "prod"})
    async with shown(peer.url) as monitor:
        await on_row(monitor, done, "✔ completed")
        await monitor.press("R")
        if peer.generation == "0.8":
            await monitor.until_toast("this server has no /retrigger; retry it, or trigger its job")
            await monitor.until_table(done)
        else:
            await monitor.until_toast("A new run with the same input was made")
            await monitor.until(lambda: len(monitor.table) == 2)
            new = (await peer.runs())[0]
            await monitor.until_row(new["id"], status="✔ completed", labels="env=prod")
            assert new["input"] == {"value": "a"}


async def test_r_on_a_completed_run_says_why_not(peer: Peer) -> None:
    done = await peer.done("echo", {"value": "a"})
    async with shown(peer.url) as monitor:
        await on_row(monitor, done, "✔ completed")
        await monitor.press("r")
        await monitor.until_toast("run is completed: nothing to retry")
        await monitor.press("c")
        await monitor.until_toast("run is completed: nothing to cancel")
        assert [run["id"] for run in await peer.runs()] == [done]


async def test_c_cancels_a_running_run(peer: Peer) -> None:
    running = await peer.running()
    async with shown(peer.url) as monitor:
        await on_row(monitor, running, "● running")
        await monitor.press("D")
        await monitor.until_toast("run is running: cancel it before you delete it")
        await monitor.press("c")
        await monitor.until_row(running, status="cancelled")
        await monitor.until_toast("Cancelled.")
        assert (await peer.run(running))["status"] == "cancelled"
        await monitor.until(lambda: "0 running" in monitor.bar, "its counts")
        await monitor.press("c")
        await monitor.until_toast("run is cancelled: nothing to cancel")


async def test_c_that_comes_too_late_changes_back_and_says_why(peer: Peer) -> None:
    running = await peer.running()
    async with shown(peer.url) as monitor:
        await on_row(monitor, running, "● running")
        # Between the picture and the key, the run has ended.
        row = monitor.runs.table.cursor_row
        assert row is not None
        await peer.ask("POST", "/cancel", runId=running)
        monitor.runs._act(row.run, Action.CANCEL)
        await monitor.until_toast("Cannot cancel already cancelled run")
        await monitor.until_row(running, status="cancelled")


async def test_d_asks_and_deletes(peer: Peer) -> None:
    kept = await peer.done("echo", {"value": "a"})
    failed = await peer.done("fails", {"message": "disk is full"})
    async with shown(peer.url) as monitor:
        await on_row(monitor, failed, "✖ failed")
        await monitor.press("D")
        await monitor.front(ConfirmScreen)
        await monitor.until_dialog(
            "Delete this failed run of fails?", failed, "This cannot be undone."
        )
        await monitor.press("n")
        await monitor.front(RunsScreen)
        await monitor.press("D", "enter")  # by habit: the harmless answer has the focus
        await monitor.front(RunsScreen)
        assert len(await peer.runs()) == 2
        await monitor.press("D")
        await monitor.front(ConfirmScreen)
        await monitor.press("y")
        await monitor.until_table(kept)
        await monitor.until_toast("Deleted.")
        assert [run["id"] for run in await peer.runs()] == [kept]


async def test_a_run_in_full_is_steered_too(peer: Peer) -> None:
    running = await peer.running()
    async with shown(peer.url) as monitor:
        await on_row(monitor, running, "● running")
        await monitor.press("enter")
        await monitor.front(RunScreen)
        await monitor.until_pane("● running")
        await monitor.press("c")
        await monitor.until_pane("cancelled")
        await monitor.press("D")
        await monitor.front(ConfirmScreen)
        await monitor.press("y")
        await monitor.front(RunsScreen)
        await monitor.until_table()
        assert await peer.runs() == []
