"""The hostile corpus, from a Node server's log line to the bytes that the monitor writes."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Any

from support.command import COMMAND, Home
from support.hostile import bundles
from support.node_server import NodeServer, node_missing
from support.terminal import ScreenNeverShowed, Terminal

from tests.proof.report import Skipped, Trial

ALLOWED = re.compile(
    rb"\x1b(?:"
    rb"\[[\d;]*m"  # colours
    rb"|\[\d+;\d+H"  # the cursor
    rb"|\[\?[\d;]+[hl]"  # modes
    rb"|\[\?2026\$p|\[\?2048\$p"  # questions about modes
    rb"|\[[<>]\d*u"  # the keyboard
    rb"|\]22;[a-z]+\x07|\]22;[a-z]+\x1b\\"  # the shape of the pointer
    rb")"
)
"""All that a monitor has to say to a terminal beside text."""


async def hostile_text(trial: Trial) -> str:
    """Every place that shows text of a job, on a run for each bundle of the corpus."""
    if missing := node_missing():
        raise Skipped(missing)
    texts = bundles()
    if trial.short:  # on our server the whole corpus goes this way in make test
        texts = texts[:2] + texts[-1:]
    home = Home(trial.folder)
    async with NodeServer(trial.folder / "node.db") as node:
        # The lines pass while the monitor watches: Node keeps none.
        terminal = Terminal([*COMMAND, node.url], env=home.env(), columns=160, lines=40)
        with terminal:
            await _thread(terminal.wait_for, "● live")
            for text in texts:
                run_id = await node.trigger("hostile", {"text": text}, labels={"env": text[:300]})
                await node.ended(run_id)
            await _thread(
                terminal.wait_for,
                "0 running  0 pending",
                f"{len(texts)} failed",
                f"{len(texts)} shown",
            )
            await _thread(_walk, terminal, len(texts))
            terminal.send("4")
            await _thread(terminal.wait_for, "warn")
            terminal.send("3")
            await _thread(terminal.wait_for, "hostile")
            terminal.send("1")
            await _thread(terminal.wait_for, "all runs")
            await _thread(_leave, terminal)
            restored = terminal.is_restored
            written = bytes(terminal.written)
    strange = set(re.findall(rb"\x1b.{0,12}", ALLOWED.sub(b"", written)))
    trial.expect(not strange, f"escape sequences: {strange}")
    rest = ALLOWED.sub(b"", written)
    controls = set(re.sub(rb"\x1b.", b"", rest)) & set(range(32))
    trial.expect(controls <= set(b"\r\n"), f"control characters: {controls}")
    said = written.decode(errors="replace")
    c1 = {hex(ord(char)) for char in set(said) if 0x7F <= ord(char) < 0xA0}
    trial.expect(not c1, f"C1 characters: {c1}")
    bidi = set(said) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
    trial.expect(not bidi, f"bidirectional controls: {bidi!r}")
    markup = "[red]markup[/]" in said
    trial.expect(markup, "markup was interpreted, or never shown")
    trial.expect(restored, "the terminal is not as it was")
    return f"{len(texts)} runs, {len(written):,} bytes written"


async def _thread(call: Any, *arguments: Any) -> Any:
    return await asyncio.to_thread(call, *arguments)


def _walk(terminal: Terminal, count: int) -> None:
    """Each pane of each run, seen before the next is asked for: what is skipped is not written."""
    terminal.send("g")
    for _ in range(count):
        terminal.send("\r")
        terminal.wait_for("in step", "Esc back")
        for key, sight in (("s", "failed"), ("l", "following"), ("i", "text"), ("E", "log:write")):
            terminal.send(key)
            terminal.wait_for(sight)
        terminal.send("eq")
        terminal.wait_for("all runs")
        terminal.send("j")


def _leave(terminal: Terminal) -> None:
    """As often as there are places to go back to."""
    for _ in range(5):
        terminal.send("q")
        with contextlib.suppress(ScreenNeverShowed):
            terminal.wait_exit(patience=4)
            return
    raise AssertionError(f"it was not left by q:\n{terminal.text}")
