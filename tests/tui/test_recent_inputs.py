"""Inputs that are remembered: bounded, private, and never in the way."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from durably_tui.protocol import Trigger
from durably_tui.tui import recent_inputs
from durably_tui.tui.recent_inputs import (
    MAX_INPUT_BYTES,
    MAX_INPUTS,
    MAX_JOBS,
    RecentInputs,
    folder,
)

URL = "http://127.0.0.1:1/api/durably"


def remembered(job: str = "job", url: str = URL) -> list[object]:
    return [each.input for each in RecentInputs(url).of(job)]


def test_inputs_come_back_the_newest_first_by_server_and_job() -> None:
    inputs = RecentInputs(URL, clock=lambda: 7.0)
    assert inputs.of("job") == []
    inputs.remember(Trigger(job_name="job", input={"n": 1}, labels={"env": "prod"}))
    inputs.remember(
        Trigger(job_name="job", input={"n": 2}, idempotency_key="once", concurrency_key="c")
    )
    inputs.remember(Trigger(job_name="other", input=[None, "ü"]))
    newest, older = RecentInputs(URL).of("job")
    assert (newest.input, newest.concurrency_key, newest.at) == ({"n": 2}, "c", 7.0)
    assert older.labels == {"env": "prod"}
    assert "once" not in inputs.file.read_text()
    assert remembered("other") == [[None, "ü"]]
    assert remembered(url="http://elsewhere") == []


def test_what_is_sent_again_is_the_newest_and_is_there_once() -> None:
    inputs = RecentInputs(URL)
    for number in (1, 2, 1):
        inputs.remember(Trigger(job_name="job", input=number))
    assert remembered() == [1, 2]
    inputs.remember(Trigger(job_name="job", input=1, labels={"a": "b"}))
    assert remembered() == [1, 1, 2]


def test_it_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = RecentInputs(URL)
    for number in range(MAX_INPUTS + 5):
        inputs.remember(Trigger(job_name="job", input=number))
    assert remembered() == list(range(MAX_INPUTS + 4, 4, -1))
    for number in range(MAX_JOBS):
        inputs.remember(Trigger(job_name=f"job-{number}", input=0))
    assert remembered() == []
    assert remembered("job-0") == [0]
    inputs.remember(Trigger(job_name="big", input="x" * MAX_INPUT_BYTES))
    assert remembered("big") == []
    inputs.remember(Trigger(job_name="strange", input={1, 2}))
    assert remembered("strange") == []
    monkeypatch.setattr(recent_inputs, "MAX_FILE_BYTES", 4_000)
    inputs.remember(Trigger(job_name="last", input="x" * 3_000))
    assert inputs.file.stat().st_size <= 4_000
    assert remembered("last") == ["x" * 3_000]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_nobody_else_can_read_it() -> None:
    inputs = RecentInputs(URL)
    old = os.umask(0)
    try:
        inputs.remember(Trigger(job_name="job", input={"password": "typed"}))
    finally:
        os.umask(old)
    assert stat.S_IMODE(inputs.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(inputs.file.parent.stat().st_mode) == 0o700
    inputs.remember(Trigger(job_name="job", input=2))
    assert stat.S_IMODE(inputs.file.stat().st_mode) == 0o600
    assert [path.name for path in inputs.file.parent.iterdir()] == [inputs.file.name]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"jobs": 7}', b"\xff", b"[" * 100_000])
def test_a_broken_file_is_begun_anew(content: bytes) -> None:
    inputs = RecentInputs(URL)
    inputs.file.parent.mkdir(parents=True)
    inputs.file.write_bytes(content)
    assert inputs.of("job") == []
    inputs.remember(Trigger(job_name="job", input=1))
    assert remembered() == [1]
    assert json.loads(inputs.file.read_text())["url"] == URL


def test_a_folder_that_cannot_be_written_is_no_trouble(state: Path) -> None:
    state.write_text("a file in its place")
    inputs = RecentInputs(URL)
    inputs.remember(Trigger(job_name="job", input=1))
    assert inputs.of("job") == []


def test_without_a_word_it_is_the_platforms_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DURABLY_STATE")
    assert folder().name == "durably-tui"
