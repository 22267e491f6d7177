"""A recording as a file: written and read, compressed or not, and whatever else a file may be."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.made_recording import DURATION, HEADER, lines, write

from durably_tui.protocol import Connection, Phase
from durably_tui.recording import (
    VERSION,
    Answer,
    End,
    Frames,
    Line,
    RecordingError,
    Turn,
    Writer,
    packed,
    read,
)
from durably_tui.recording.words import embedded, extracted

SENT = st.one_of(
    st.binary(),
    st.sampled_from(
        [
            b'{"a":1}',
            b'[{"a":[1,2]}]',
            b'{"a":"\\ud83d"}',
            b'{"a":\n1}',
            b'"text"',
            b'{"a":1} ',
            b'{"a":1}}',
            b"[" * 3000 + b"]" * 3000,
            b'{"a":"\xff"}',
        ]
    ),
)
TIMES = st.floats(0, 1e6).map(lambda at: round(at, 3))
LINES: st.SearchStrategy[Line] = st.one_of(
    st.builds(
        Answer,
        TIMES,
        st.sampled_from(["/runs", "/run", "/new"]),
        st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=2).map(tuple),
        SENT.map(embedded),
    ),
    st.builds(Frames, TIMES, st.lists(SENT.map(embedded), max_size=3).map(tuple)),
    st.builds(
        Turn,
        TIMES,
        st.sampled_from(list(Phase)),
        epoch=st.integers(0, 9),
        error=st.none() | st.text(max_size=5),
        retry_at=st.none() | TIMES,
    ),
)


@given(SENT)
def test_what_was_sent_comes_back_as_it_was(data: bytes) -> None:
    value = embedded(data)
    assert b"\n" not in bytes(value)
    assert extracted(value) == data


def test_json_stands_in_a_line_as_it_came() -> None:
    assert bytes(embedded(b'{"type":"run:trigger", "runId":"R"}')).startswith(b'{"type"')


@settings(max_examples=60, deadline=None)
@given(st.lists(LINES, max_size=6), st.sampled_from([".ndjson", ".zst"]))
def test_lines_come_back_in_the_order_of_time(content: list[Line], suffix: str) -> None:
    content.sort(key=lambda line: line.at)
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / f"any{suffix}", [*content, End(2e6)])
        found = read(path)
    assert found.header == HEADER
    assert [found.line(at) for at in range(len(found))] == content
    assert (found.whole, found.skipped, found.duration, found.trouble) == (True, 0, 2e6, "")


@pytest.mark.parametrize("suffix", [".ndjson", ".zst"])
def test_a_recording_that_is_cut_off_is_played_as_far_as_it_goes(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"cut{suffix}"
    writer = Writer.create(path, HEADER)
    marks = [(0, writer.size)]
    for count, line in enumerate(lines(), 1):
        writer.add(line)
        writer.flush()
        marks.append((count, writer.size))
    writer.close()
    whole = path.read_bytes()
    start = marks[1][1]  # the header and a line
    for size in range(start, marks[-1][1], 97):
        path.write_bytes(whole[:size])
        found = read(path)
        reached = max(count for count, mark in marks if mark <= size)
        assert reached <= len(found) <= reached + 1, size
        assert not found.whole
        assert found.skipped == 0
        assert "was cut off after" in found.trouble


def test_lines_that_cannot_be_read_are_left_out_and_told_of(tmp_path: Path) -> None:
    path = write(tmp_path / "some.ndjson")
    head, *rest = path.read_bytes().splitlines(keepends=True)
    odd = [b"not json\n", b'{"kind":"hologram","at":3}\n', b"\n", b'{"at":1}\n', b"\xff\xfe\n"]
    path.write_bytes(b"".join([head, rest[0], *odd, *rest[1:]]))
    found = read(path)
    assert (found.skipped, found.whole, found.duration) == (4, True, DURATION)
    assert (
        found.trouble == "The recording has 4 lines that cannot be read: what is there is played."
    )


def test_a_clock_that_was_put_back_does_not_turn_time_round(tmp_path: Path) -> None:
    content: list[Line] = [Turn(5, Phase.LIVE), Turn(3, Phase.OFFLINE), Turn(7, Phase.LIVE)]
    assert read(write(tmp_path / "a.ndjson", content)).times == (5, 5, 7)


def test_what_is_no_recording_is_said_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "it"
    newer = replace(HEADER, version=VERSION + 1)
    cases = {
        b"": "is empty",
        b"\n\n": "is empty",
        packed.MAGIC: "is cut off before anything",
        packed.MAGIC + b"no zstd at all": "is cut off before anything",
        b"hello\n": "is not a recording",
        b"{}\n{}\n": "is not a recording",
        b'{"format":"durably-recording"}\n': "is not a recording",
        b'{"format":"durably-recording","version":99,"what":"else"}\n': "update durably-tui",
        bytes(1_500_000): "is not a recording",
    }
    for content, sentence in cases.items():
        path.write_bytes(content)
        with pytest.raises(RecordingError, match=sentence) as caught:
            read(path)
        assert str(path) in str(caught.value)
        assert path.read_bytes() == content
    path.unlink()
    with pytest.raises(RecordingError, match="update durably-tui"):
        read(write(path, [], newer))
    with pytest.raises(RecordingError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(RecordingError, match="There is no file"):
        read(tmp_path / "none")
    with pytest.raises(RecordingError, match="cannot be read"):
        read(path / "below")


def test_a_recording_that_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "large.zst")
    monkeypatch.setattr("durably_tui.recording.reading.MAX_BYTES", 1000)
    with pytest.raises(RecordingError, match="too large"):
        read(path)


def test_nothing_is_written_over_unless_that_was_said(tmp_path: Path) -> None:
    path = tmp_path / "there.ndjson"
    path.write_text("mine")
    with pytest.raises(RecordingError, match="--force"):
        Writer.create(path, HEADER)
    assert path.read_text() == "mine"
    Writer.create(path, HEADER, force=True).close()
    assert read(path).header == HEADER
    with pytest.raises(RecordingError, match="is a folder"):
        Writer.create(tmp_path, HEADER, force=True)
    with pytest.raises(RecordingError, match="no folder"):
        Writer.create(tmp_path / "none" / "it.zst", HEADER)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = write(tmp_path / "private.ndjson")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    Writer.create(path, HEADER, force=True).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600, "what is written over as well"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full")
def test_a_full_disk_is_said_in_one_sentence() -> None:
    writer = Writer.create(Path("/dev/full"), HEADER, force=True)
    with pytest.raises(RecordingError, match="cannot be written any more"):
        writer.flush()
    writer.abandon()


def test_zstd_that_is_not_installed_is_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "it.zst")
    monkeypatch.setitem(packed.sys.modules, "backports.zstd", None)
    monkeypatch.setitem(packed.sys.modules, "compression.zstd", None)
    monkeypatch.setitem(packed.sys.modules, "backports", None)
    with pytest.raises(RecordingError, match=r"pip install 'durably-tui\[zst\]'"):
        read(path)
    with pytest.raises(RecordingError, match=r"pip install 'durably-tui\[zst\]'"):
        Writer.create(tmp_path / "other.zst", HEADER)
    assert not (tmp_path / "other.zst").exists()
    write(tmp_path / "plain.ndjson")


def test_a_connection_comes_back_with_its_times() -> None:
    began = HEADER.began.timestamp()
    connection = Connection(
        phase=Phase.LIVE, epoch=2, resumed=True, since=began + 1, last_seen=began + 2
    )
    assert Turn.of(connection, 2.5, began).connection(began) == connection
