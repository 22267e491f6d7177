"""``record`` and ``replay``: a real server into a file, and what is wrong with a command line."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from support.command import COMMAND, Home
from support.command_going import going
from support.command_server import PATIENCE, CommandServer
from support.made_recording import write

from durably_tui.protocol import Decoder, RunStatus
from durably_tui.recording import Player, Recording, RecordingError, packed, read

from .conftest import Invoke


def the_end(recording: Recording) -> Player:
    """A player at the end of a recording."""
    player = Player(recording)
    asyncio.run(player.seek(recording.duration))
    return player


def _is_fetched(path: Path) -> bool:
    """Whether what a monitor needs is in the file; before its first line it is no recording."""
    try:
        return "fetched" in read(path).kinds
    except RecordingError:
        return False


@pytest.mark.parametrize("peer", ["shared", pytest.param("node", marks=pytest.mark.node)])
def test_a_recording_ends_as_the_server_stands(
    home: Home, peer: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server: CommandServer = request.getfixturevalue(peer)
    before = server.done("steps", {"count": 2, "delayMs": 1})
    path = tmp_path / "it.ndjson.zst"
    with subprocess.Popen(
        [*COMMAND, "record", str(path), "-s", server.url],
        env=home.env(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            while not path.exists() or not _is_fetched(path):
                assert time.monotonic() < deadline, process.poll()
                time.sleep(0.05)
            made = [
                server.done("steps", {"count": 3, "delayMs": 5}),
                server.done("fails", {"message": "no such file"}),
            ]
            process.send_signal(signal.SIGINT)
            said, told = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert (process.returncode, said) == (0, "")
    assert re.search(r"Recorded 00:\d\d: [\d,]+ events and [\d,]+ answers, \d+ kB in ", told), told
    found = read(path)
    assert (found.whole, found.skipped) == (True, 0)
    assert found.header.server == server.url
    archive = the_end(found).archive
    for run_id in (before, *made):
        asked = Decoder().runs(json.dumps([server.run(run_id)]).encode())[0]
        assert archive.runs[run_id] == asked
    start = Player(found)
    asyncio.run(start.seek(found.times[found.kinds.index("fetched")]))
    assert made[0] not in start.archive.runs
    assert start.archive.runs[before].status is RunStatus.COMPLETED


def test_a_recording_ends_by_itself(invoke: Invoke, shared: CommandServer, tmp_path: Path) -> None:
    path = tmp_path / "it.ndjson"
    answer = invoke("record", str(path), "--for", "400ms", "-s", shared.url, "--job", "none")
    assert answer.exit_code == 0, answer.output
    assert "it stops after 400ms" in answer.stderr
    found = read(path)
    assert (found.whole, found.header.jobs) == (True, ("none",))
    assert 0.4 <= found.duration < 10
    # A second time it is left as it is, unless that is said.
    size = path.stat().st_size
    again = invoke("record", str(path), "--for", "1ms", "-s", shared.url)
    assert again.exit_code == 2
    assert "--force" in again.stderr
    assert path.stat().st_size == size
    forced = invoke("record", str(path), "--for", "1ms", "-s", shared.url, "--force")
    assert forced.exit_code == 0
    assert read(path).header.jobs == ()


def test_no_file_is_made_of_a_server_that_is_not_there(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "it.ndjson"
    answer = invoke("record", str(path), "-s", "http://127.0.0.1:9/api/durably")
    assert answer.exit_code == 3
    assert answer.stderr.count("\n") == 1
    assert not path.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.ndjson"], "There is no file"),
        (["empty"], "is empty"),
        (["text"], "is not a recording"),
        (["newer"], "update durably-tui"),
        (["."], "is a folder"),
        (["cut"], "cut is not a recording"),
        (["night"], "night is empty"),
        (["made.ndjson", "--speed", "fast"], "write 10x"),
        (["made.ndjson", "--speed", "0x"], "write 10x"),
        (["made.ndjson", "--at", "noon"], "is not a time"),
        (["made.ndjson", "--at", "1:30"], "is not in the recording, which is 00:40 long"),
        (["made.ndjson", "--at", "2020-01-01T00:00:00Z"], "is not in the recording"),
        (["made.ndjson", "--at", "0:30", "--speed", "10x"], "needs a terminal"),
        (["made.ndjson", "--at", "2026-03-01T12:00:30Z"], "needs a terminal"),
    ],
)
def test_what_cannot_be_replayed_is_one_sentence(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str],
    sentence: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "made.ndjson")
    (tmp_path / "empty").touch()
    (tmp_path / "night").touch()
    (tmp_path / "cut").write_text('{"format":"dur')
    (tmp_path / "text").write_text("hello\nthere\n")
    (tmp_path / "newer").write_text('{"format":"durably-recording","version":2}\n')
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    answer = invoke("replay", *arguments)
    assert answer.exit_code == 2
    assert sentence in answer.stderr
    assert answer.stderr.startswith("Error: ")
    assert answer.stderr.count("\n") == 1
    assert before == {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["."], "is a folder"),
        (["none/it.ndjson"], "there is no folder"),
        (["it.ndjson", "--for", "soon"], "is not a time"),
        (["it.ndjson", "--for", "0"], "would record nothing"),
    ],
)
def test_what_cannot_be_recorded_is_said_before_anything_is_asked(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str],
    sentence: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    answer = invoke("record", *arguments, "-s", "http://127.0.0.1:9/api/durably")
    assert answer.exit_code == 2
    assert sentence in answer.stderr
    assert os.listdir(tmp_path) == []


def test_zstd_is_there_where_the_tests_run() -> None:
    assert packed.zstd("it") is not None


def test_ctrl_c_ends_it_while_the_server_has_not_answered(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "it.ndjson"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/api/durably"
        with going(home, "record", str(path), "-s", url) as command:
            connection, _ = silent.accept()
            with connection:
                assert command.interrupted() == (130, "")
    assert not path.exists()
