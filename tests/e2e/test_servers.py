"""``durably-tui URL`` in a real terminal against servers in processes of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.command import COMMAND, Home, serving
from support.hostile import bundles
from support.node_server import NodeServer, node_missing
from support.terminal import Terminal

CTRL_R, ENTER = "\x12", "\r"

node = pytest.mark.skipif(
    node_missing() is not None, reason=f"NOT TESTED AGAINST THE REAL NODE SERVER: {node_missing()}"
)


@contextmanager
def watching(home: Home, url: str, *, columns: int = 120, lines: int = 40) -> Iterator[Terminal]:
    """The monitor on a server, in a terminal that is left as it was."""
    with Terminal([*COMMAND, url], env=home.env(), columns=columns, lines=lines) as terminal:
        yield terminal
        terminal.send("q")
        assert terminal.wait_exit() == 0
        assert terminal.is_restored
    assert " ERROR " not in home.logged()


@pytest.mark.node
@node
async def test_a_node_server_that_is_killed_is_seen_to_go_and_to_come_back(home: Home) -> None:
    """Awaits nothing while the terminal is read: the server has a process of its own."""
    async with NodeServer(home.folder / "node.db", lease_ms=1000) as server:
        done = await server.trigger("echo", {"value": "first"})
        await server.ended(done)
        with watching(home, server.url) as terminal:
            terminal.wait_for("● live", "✔ completed  echo", f"…{done[-8:]}")
            await server.trigger("steps", {"count": 400, "delayMs": 50})
            terminal.wait_for("● running    steps", "/400")

            await server.kill()
            terminal.wait_for("reconnecting", "last seen", "not live", "● running    steps")

            await server.restart()
            after = await server.trigger("fails", {"message": "the disk is full"})
            terminal.wait_for("● live", "page 1 · live", "✖ failed     fails", f"…{after[-8:]}")
            terminal.wait_for(f"…{done[-8:]}")
            # The run that was cut off is taken up again, and is seen to go on.
            before = steps_done(terminal.text)
            terminal.wait_for(lambda screen: steps_done(screen) > before)


def steps_done(screen: str) -> int:
    """How far the run of the job ``steps`` is."""
    found = re.search(r"steps .* (\d+)/400", screen)
    return int(found[1]) if found else 0


@pytest.mark.node
@node
async def test_runs_of_a_node_server_are_steered_by_keys(home: Home) -> None:
    async with NodeServer(home.folder / "node.db") as server:
        failed = await server.trigger("flaky", {"fail": True})
        await server.ended(failed)
        with watching(home, server.url) as terminal:
            terminal.wait_for("● live", "0.15", "✖ failed     flaky")
            # This server cannot resume a run: the key says what it does instead.
            terminal.send("r")
            terminal.wait_for("A new run with the same input was made", "(o opens it)")
            terminal.send("o")
            terminal.wait_for("not this time", "steps done")
            terminal.send("q")
            terminal.wait_for("all runs")
            await server.trigger("steps", {"count": 400, "delayMs": 50})
            terminal.wait_for("● running    steps")
            terminal.send("gc")
            terminal.wait_for("⊘ cancelled  steps")
            terminal.send("D")
            terminal.wait_for("Delete this cancelled run of steps?")
            terminal.send("y")
            terminal.wait_for("Deleted.", lambda screen: "cancelled  steps" not in screen)


ALLOWED_ESCAPES = re.compile(
    rb"\x1b(?:"
    rb"\[[\d;]*m"  # colours
    rb"|\[\d+;\d+H"  # the cursor
    rb"|\[\?[\d;]+[hl]"  # modes
    rb"|\[\?2026\$p|\[\?2048\$p"  # questions about modes
    rb"|\[[<>]\d*u"  # the keyboard
    rb"|\]22;[a-z]+\x07|\]22;[a-z]+\x1b\\"  # the shape of the pointer
    rb")"
)


def test_no_escape_sequence_of_a_server_reaches_the_terminal(home: Home) -> None:
    texts = bundles()
    with serving(home) as served, watching(home, served.url, columns=200, lines=30) as terminal:
        terminal.wait_for("● live")
        for text in texts:
            served.trigger("say", text=text)
        count = len(texts)
        terminal.wait_for("0 running  0 pending", f"{count} failed", f"{count} shown")
        terminal.send("g")
        for _ in texts:
            terminal.send(ENTER)
            terminal.wait_for("steps done")
            # Each pane is seen before the next is asked for: what is skipped is never written.
            terminal.send("s")
            terminal.wait_for("TOOK", lambda screen: "steps done" not in screen)
            terminal.send("l")
            terminal.wait_for("following  3 lines")
            terminal.send("i")
            terminal.wait_for('"text": ')
            terminal.send("e")
            terminal.wait_for("line 1", lambda screen: '"text": ' not in screen)
            terminal.send("q")
            terminal.wait_for("all runs")
            terminal.send("j")
    written = bytes(terminal.written)
    strange = set(re.findall(rb"\x1b.{0,12}", ALLOWED_ESCAPES.sub(b"", written)))
    assert not strange, strange
    controls = set(re.sub(rb"\x1b.", b"", ALLOWED_ESCAPES.sub(b"", written))) & set(range(32))
    assert controls <= set(b"\r\n"), controls
    said = written.decode()
    assert not [hex(ord(char)) for char in set(said) if 0x7F <= ord(char) < 0xA0]
    assert "\u202e" not in said
    assert "[red]markup[/]" in said
