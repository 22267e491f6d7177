"""Telling a user who looks elsewhere: only what is wished, once, and never a server's bytes."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from support.hostile import is_inert
from support.monitor import watching
from support.workshop import Workshop

from durably_tui.client import DurablyClient
from durably_tui.config import Alerts, Config
from durably_tui.protocol import Connection, Event, RunCancel, RunComplete, RunFail, StreamBatch
from durably_tui.state import create_durably_client
from durably_tui.tui import alerts
from durably_tui.tui.alerts import TOLD, Alarm, notice, sentence
from durably_tui.tui.session import Session
from durably_tui.tui.world import World


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "SETTLE_SECONDS", 0.0)
    monkeypatch.delenv("TMUX", raising=False)


def failed(name: str, error: str = "out of paper") -> RunFail:
    return RunFail(run_id=name, job_name="report", error=error)


async def a_little() -> None:
    """Let the loop go round until what was taken in is told."""
    for _ in range(5):
        await asyncio.sleep(0)


async def written(
    wish: Alerts,
    *events: Event,
    watched: tuple[str, ...] = (),
    why: Callable[[str], Awaitable[str | None]] | None = None,
) -> list[str]:
    out: list[str] = []
    alarm = Alarm(wish, title="prod", write=out.append, watched=lambda: watched, why=why)
    alarm.take(StreamBatch(Connection(), events))
    await a_little()
    await alarm.aclose()
    return out


async def test_nothing_is_told_unless_it_is_wished() -> None:
    assert not Alarm(Alerts(), title="prod", write=print).is_wanted
    assert await written(Alerts(), failed("a")) == []


async def test_a_failure_rings_once_however_many_fail_together() -> None:
    assert await written(Alerts(bell=True), failed("a"), failed("b"), failed("c")) == ["\a"]


async def test_an_end_that_is_no_failure_is_told_of_marked_runs_only() -> None:
    ends = (RunComplete(run_id="a", job_name="j"), RunCancel(run_id="b", job_name="j"))
    assert await written(Alerts(bell=True), *ends) == []
    assert await written(Alerts(bell=True), *ends, watched=("b",)) == ["\a"]


async def test_a_notice_says_what_failed_and_why() -> None:
    (out,) = await written(Alerts(notice=True), failed("a"), failed("b"))
    assert out == notice("prod", "report failed: out of paper (and 1 more)", tmux=False)
    assert out.startswith("\x1b]9;prod: report failed: out of paper (and 1 more)\x07")


async def test_the_server_is_asked_why_where_the_stream_does_not_say() -> None:
    asked: list[str] = []

    async def why(run_id: str) -> str | None:
        asked.append(run_id)
        return "out of ink"

    ends = (RunFail(run_id="a", job_name="report"), RunFail(run_id="b", job_name="report"))
    (out,) = await written(Alerts(notice=True), *ends, why=why)
    assert out == notice("prod", "report failed: out of ink (and 1 more)", tmux=False)
    assert asked == ["a"]
    asked.clear()
    await written(Alerts(notice=True), failed("a"), why=why)
    await written(Alerts(bell=True), *ends, why=why)
    assert asked == []


async def test_a_server_that_does_not_say_why_keeps_no_notice_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alerts, "WHY_SECONDS", 0.0)

    async def never(_run_id: str) -> str | None:
        await asyncio.Event().wait()
        return None

    (out,) = await written(Alerts(notice=True), RunFail(run_id="a", job_name="j"), why=never)
    assert out == notice("prod", "j failed", tmux=False)


def test_what_a_server_says_cannot_end_the_sequence() -> None:
    text = sentence([failed("a", "x\x07\x1b]0;owned\x07;y\nz")])
    assert is_inert(text)
    body = notice("p;q", text, tmux=False)
    assert body.count("\x1b") == 2
    assert body.count("\x07") == 2
    assert notice("p", text, tmux=True).startswith("\x1bPtmux;\x1b\x1b]9;")


async def ran(wish: Alerts, *events: Event) -> list[str]:
    """Have a command run to its end; what was complained of."""
    said: list[str] = []
    alarm = Alarm(wish, title="prod", write=print, complain=said.append)
    for event in events:
        alarm.take(StreamBatch(Connection(), (event,)))
        await a_little()
        await asyncio.gather(*alarm._tasks)
    await alarm.aclose()
    return said


TELL = """
import json, os, sys
told = {k: v for k, v in os.environ.items() if k in sys.argv[2:] or k == "DURABLY_TOKEN"}
open(sys.argv[1], "w").write(json.dumps(told))
"""


async def test_the_command_is_given_what_happened_but_not_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DURABLY_TOKEN", "secret")
    out = tmp_path / "told.json"
    wish = Alerts(command=(sys.executable, "-c", TELL, str(out), *TOLD))
    assert await ran(wish, failed("a", "no\0paper")) == []
    assert json.loads(out.read_text()) == {
        "DURABLY_SERVER": "prod",
        "DURABLY_RUN_ID": "a",
        "DURABLY_JOB": "report",
        "DURABLY_STATUS": "failed",
        "DURABLY_ERROR": "nopaper",
        "DURABLY_COUNT": "1",
        "DURABLY_TEXT": "report failed: no␀paper",
    }


async def test_whatever_a_server_says_the_command_is_run(tmp_path: Path) -> None:
    out = tmp_path / "told.json"
    wish = Alerts(command=(sys.executable, "-c", TELL, str(out), *TOLD))
    assert await ran(wish, failed("a", "\ud800" + "x" * 1_000_000)) == []
    error = json.loads(out.read_text())["DURABLY_ERROR"]
    assert error == "?" + "x" * (len(error) - 1)
    assert 1_000 < len(error) < 100_000


async def test_a_command_that_does_not_do_is_complained_of_once() -> None:
    wish = Alerts(command=("/does/not/exist",))
    said = "The alert command /does/not/exist cannot be run: No such file or directory."
    assert await ran(wish, failed("a"), failed("b")) == [said]
    wish = Alerts(command=(sys.executable, "-c", "raise SystemExit(3)"))
    assert await ran(wish, failed("a"), failed("b")) == ["The alert command exited with code 3."]


async def test_a_command_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    wish = Alerts(command=(sys.executable, "-c", "import time;time.sleep(60)"))
    monkeypatch.setattr(alerts, "COMMAND_SECONDS", 0.1)
    assert await ran(wish, failed("a")) == ["The alert command was stopped after 0.1 s."]


async def test_a_command_that_runs_goes_with_the_monitor(monkeypatch: pytest.MonkeyPatch) -> None:
    started: asyncio.Queue[asyncio.subprocess.Process] = asyncio.Queue()
    start = asyncio.create_subprocess_exec

    async def told(*given: str, **options: Any) -> asyncio.subprocess.Process:
        process = await start(*given, **options)
        started.put_nowait(process)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", told)
    wish = Alerts(command=(sys.executable, "-c", "import time;time.sleep(60)"))
    alarm = Alarm(wish, title="prod", write=print)
    alarm.take(StreamBatch(Connection(), (failed("a"),)))
    process = await started.get()
    assert process.returncode is None
    await alarm.aclose()
    assert process.returncode == -signal.SIGKILL


async def test_a_failure_on_a_server_is_told_with_its_reason(
    shop: Workshop, tmp_path: Path
) -> None:
    out = tmp_path / "told.json"
    wish = Alerts(command=(sys.executable, "-c", TELL, str(out), *TOLD))
    client = DurablyClient(shop.url)
    session = Session(create_durably_client(client), client.url, "prod", close=client.aclose)
    async with watching(session, world=World(config=Config(alerts=wish))) as shown:
        await shown.shows("● live")
        await shop.done("broken", message="the disk is full")
        await shown.until(lambda: out.exists() and out.read_text(), "what the command was told")
    told = json.loads(out.read_text())
    assert told["DURABLY_TEXT"] == f"broken failed: {told['DURABLY_ERROR']}"
    assert "the disk is full" in told["DURABLY_ERROR"]
