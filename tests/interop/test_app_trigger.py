"""The app on a server of each generation: new runs by the dialog, and what it does not accept."""

from __future__ import annotations

import json

from support.peers import Peer
from support.shown import Shown, shown
from textual.widgets import Input, TextArea

from durably_tui.tui.screens.runs import RunsScreen
from durably_tui.tui.screens.trigger import TriggerScreen


async def open_dialog(monitor: Shown) -> None:
    await monitor.shows("● live")
    await monitor.press("t")
    await monitor.front(TriggerScreen)
    await monitor.until_dialog("New run", "Input (JSON)")


async def replace(monitor: Shown, text: str) -> None:
    """Replace what is in the field in focus."""
    field = monitor.app.focused
    assert isinstance(field, Input | TextArea)
    if isinstance(field, TextArea):
        await monitor.press("f7", "backspace")
    else:
        await monitor.press("home", "ctrl+k")
    await monitor.paste(text)


async def test_a_new_run(peer: Peer) -> None:
    async with shown(peer.url) as monitor:
        await open_dialog(monitor)
        await monitor.type("echo")
        await monitor.press("tab")
        await replace(monitor, '{"value": "typed [b]here[/b]"}')
        await monitor.press("tab")
        await monitor.paste("env=prod team=ops")
        await monitor.press("ctrl+s")
        await monitor.front(RunsScreen)
        run = (await peer.runs())[0]
        await monitor.until_toast("Triggered", run["id"], "(o opens it).")
        await monitor.until_row(run["id"], status="✔ completed", job="echo")
        assert (await peer.ended(run["id"]))["output"] == {"value": "typed [b]here[/b]"}
        if peer.generation == "0.15":
            assert run["labels"] == {"env": "prod", "team": "ops"}
            assert "env=prod" in monitor.row(run["id"])["LABELS"]
        await monitor.press("o")
        await monitor.until_pane(run["id"], "✔ completed")


async def test_what_cannot_be_sent_is_refused_and_kept(peer: Peer) -> None:
    async with shown(peer.url) as monitor:
        await open_dialog(monitor)
        await monitor.press("ctrl+s")
        await monitor.until_dialog("Name the job that is to run.")
        await monitor.type("echo")
        await monitor.press("tab")
        await replace(monitor, '{"value": ')
        await monitor.press("ctrl+s")
        await monitor.until_dialog("The input is not JSON: Expecting value at line 1, column 11.")
        await monitor.until_dialog("echo", '{"value": ')
        await monitor.press("tab")
        await monitor.paste("prod")
        await monitor.press("shift+tab")
        await replace(monitor, '{"value": "a"}')
        await monitor.press("ctrl+s")
        await monitor.until_dialog("The label 'prod' is not key=value.", '{"value": "a"}')
        assert await peer.runs() == []  # nothing of this was sent
        await replace(monitor, "env=prod")
        await monitor.press("ctrl+s")
        await monitor.front(RunsScreen)
        assert len(await peer.runs()) == 1


async def test_what_the_server_refuses_is_said_in_the_dialog_and_kept(peer: Peer) -> None:
    async with shown(peer.url) as monitor:
        await open_dialog(monitor)
        await monitor.paste("nobody")
        await monitor.press("tab")
        await replace(monitor, '{"value": 1}')
        await monitor.press("ctrl+s")
        await monitor.until_dialog("nobody", "check the name of the job", '{"value": 1}')
        await monitor.press("shift+tab")
        await replace(monitor, "echo")
        await monitor.press("ctrl+s")
        await monitor.until_dialog("expected string, received number", "echo", '{"value": 1}')
        assert isinstance(monitor.app.screen, TriggerScreen)
        assert await peer.runs() == []
        await monitor.press("tab")
        await replace(monitor, '{"value": "1"}')
        await monitor.press("ctrl+s")
        await monitor.front(RunsScreen)
        assert await peer.done("echo", {"value": "2"})
        await monitor.until(lambda: len(monitor.table) == 2)


async def test_a_new_run_like_an_old_one(peer: Peer) -> None:
    old = await peer.done("echo", {"value": "like this"}, labels={"env": "prod"})
    async with shown(peer.url) as monitor:
        await monitor.until_row(old, status="completed")
        await monitor.press("ctrl+t")
        await monitor.front(TriggerScreen)
        labels = "env=prod" if peer.generation == "0.15" else ""
        await monitor.until_dialog("echo", '"value": "like this"', labels)
        await monitor.press("escape")
        await monitor.front(RunsScreen)
        assert len(await peer.runs()) == 1
        await monitor.press("ctrl+t")
        await monitor.front(TriggerScreen)
        await monitor.press("ctrl+s")
        await monitor.front(RunsScreen)
        await monitor.until(lambda: len(monitor.table) == 2)
        new, first = await peer.runs()
        given = "input" if peer.generation == "0.15" else "payload"
        assert json.dumps(new[given]) == json.dumps(first[given])
        assert new.get("labels") == first.get("labels")


async def test_nothing_is_lost_while_the_server_is_away(peer: Peer) -> None:
    async with shown(peer.url) as monitor:
        await open_dialog(monitor)
        await monitor.type("echo")
        await monitor.press("tab")
        await replace(monitor, '{"value": "later"}')
        await peer.kill()
        await monitor.press("ctrl+s")
        await monitor.until_dialog("nothing listens there: start the server", '{"value": "later"}')
        await peer.start()
        await monitor.press("ctrl+s")
        await monitor.front(RunsScreen)
        run = (await peer.runs())[0]
        await monitor.until_row(run["id"], status="✔ completed")
