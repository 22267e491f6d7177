"""Telling a user who looks elsewhere: only what is wished, once, and never a server's bytes."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
from support.hostile import is_inert

from durably_tui.config import Alerts
from durably_tui.protocol import Connection, Event, RunCancel, RunComplete, RunFail, StreamBatch
from durably_tui.tui import alerts
from durably_tui.tui.alerts import Alarm, notice, sentence


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "SETTLE_SECONDS", 0.0)
    monkeypatch.delenv("TMUX", raising=False)


def failed(name: str, error: str = "out of paper") -> RunFail:
    return RunFail(run_id=name, job_name="report", error=error)


async def written(wish: Alerts, *events: Event, watched: tuple[str, ...] = ()) -> list[str]:
    out: list[str] = []
    alarm = Alarm(wish, title="prod", write=out.append, watched=lambda: watched)
    alarm.take(StreamBatch(Connection(), events))
    for _ in range(5):
        await asyncio.sleep(0)
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


def test_what_a_server_says_cannot_end_the_sequence() -> None:
    text = sentence([failed("a", "x\x07\x1b]0;owned\x07;y\nz")])
    assert is_inert(text)
    body = notice("p;q", text, tmux=False)
    assert body.count("\x1b") == 2
    assert body.count("\x07") == 2
    assert notice("p", text, tmux=True).startswith("\x1bPtmux;\x1b\x1b]9;")


async def test_the_command_is_given_what_happened_but_not_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DURABLY_TOKEN", "secret")
    out = tmp_path / "told.json"
    code = (
        "import json,os,sys;"
        "open(sys.argv[1],'w').write(json.dumps({k:v for k,v in os.environ.items()"
        " if k.startswith('DURABLY_') and k != 'DURABLY_STATE'}))"
    )
    wish = Alerts(command=(sys.executable, "-c", code, str(out)))
    alarm = Alarm(wish, title="prod", write=print)
    alarm.take(StreamBatch(Connection(), (failed("a", "no\0paper"),)))
    await asyncio.sleep(0.01)
    await asyncio.gather(*alarm._commands)
    await alarm.aclose()
    assert json.loads(out.read_text()) == {
        "DURABLY_SERVER": "prod",
        "DURABLY_RUN_ID": "a",
        "DURABLY_JOB": "report",
        "DURABLY_STATUS": "failed",
        "DURABLY_ERROR": "nopaper",
        "DURABLY_COUNT": "1",
        "DURABLY_TEXT": "report failed: no␀paper",
    }


async def test_a_command_that_does_not_exist_or_hangs_harms_nothing() -> None:
    for command in (("/does/not/exist",), (sys.executable, "-c", "import time;time.sleep(60)")):
        alarm = Alarm(Alerts(command=command), title="prod", write=print)
        alarm.take(StreamBatch(Connection(), (failed("a"),)))
        await asyncio.sleep(0.2)
        await alarm.aclose()
