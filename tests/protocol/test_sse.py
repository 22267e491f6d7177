"""The decoder of event streams against the HTML standard, section 9.2.6, at every boundary."""

import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.recordings import stream_bytes, stream_names

from durably_tui.protocol import SseDecoder

STREAMS = [(g, name) for g in ("v0.8", "v0.15") for name in stream_names(g)]

# Bytes that are likely to hit a rule: few letters, many separators.
PIECES = st.sampled_from(
    [b"data", b"id", b"event", b"retry", b":", b": ", b"\n", b"\r", b"\r\n", b"\n\n", b" ", b"x",
     b"\xef\xbb\xbf", b"7", b"\0", "é".encode(), b"\xff", b"data: x\n\n", b"data: {}\r\n\r\n",
     b"id: 7-1\ndata: x\n\n", b"id: 7-2\ndata: {}\n\n", b"id: "]
)  # fmt: skip
STREAM = st.lists(PIECES, max_size=60).map(b"".join)


def feed_all(chunks: Iterable[bytes], decoder: SseDecoder | None = None) -> list[bytes]:
    decoder = decoder or SseDecoder()
    return [data for chunk in chunks for data in decoder.feed(chunk)]


def by_the_standard(stream: bytes) -> tuple[list[bytes], str]:
    """A plain reading of the standard over a whole stream: the events and the last id."""
    lines = re.split(rb"\r\n|\n|\r", stream.removeprefix(b"\xef\xbb\xbf"))
    events: list[bytes] = []
    data = b""
    last_id = dispatched_id = ""
    for line in lines[:-1]:  # what has no line end yet is no line
        if not line:
            dispatched_id = last_id
            if data not in {b"", b"\n"}:  # empty data is left out here: our one deviation
                events.append(data[:-1])
            data = b""
            continue
        name, colon, value = line.partition(b":")
        if colon and not name:
            continue
        value = value.removeprefix(b" ")
        if name == b"data":
            data += value + b"\n"
        elif name == b"id" and b"\0" not in value:
            last_id = value.decode("utf-8", "replace")
    return events, dispatched_id


@given(STREAM)
def test_one_shot_decoding_is_the_standard(stream: bytes) -> None:
    decoder = SseDecoder()

    events, last_id = by_the_standard(stream)

    assert decoder.feed(stream) == events
    assert decoder.last_event_id == last_id


@given(st.lists(STREAM, max_size=8))
def test_any_chunking_is_one_shot_decoding(chunks: list[bytes]) -> None:
    whole, piecewise = SseDecoder(), SseDecoder()

    assert feed_all(chunks, piecewise) == whole.feed(b"".join(chunks))
    for name in ("last_event_id", "retry_ms", "comments", "oversized"):
        assert getattr(piecewise, name) == getattr(whole, name)


@given(st.lists(STREAM, max_size=8), st.integers(1, 12))
def test_what_is_oversized_does_not_depend_on_the_chunks(chunks: list[bytes], limit: int) -> None:
    whole, piecewise = SseDecoder(limit), SseDecoder(limit)

    assert feed_all(chunks, piecewise) == whole.feed(b"".join(chunks))
    assert piecewise.oversized == whole.oversized


@pytest.mark.parametrize(
    "stream",
    [
        b"data: one\n\ndata: two\n\n",
        b"data: one\r\n\r\ndata: two\r\n\r\n",
        b"data: one\r\rdata: two\r\r",
        b"\xef\xbb\xbfdata: one\n\n: hello\nid: 7\nretry: 100\ndata: two\n\n",
        b"data: one\nevent: x\n\r\n\ndata: t\r\ndata: wo\n\n",
    ],
)
def test_every_boundary(stream: bytes) -> None:
    expected = SseDecoder().feed(stream)
    assert len(expected) == 2

    for cut in range(len(stream) + 1):
        assert feed_all([stream[:cut], stream[cut:]]) == expected
    for size in (1, 2, 3, 5):
        parts = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert feed_all(parts) == expected


@pytest.mark.parametrize(("generation", "name"), STREAMS)
def test_recorded_streams_at_every_boundary_near_a_frame(generation: str, name: str) -> None:
    stream = stream_bytes(generation, name)
    expected = SseDecoder().feed(stream)
    assert len(expected) == stream.count(b"\n\n")

    cuts = {end + step for end in (m.start() for m in re.finditer(b"\n\n", stream[:4000]))
            for step in range(-7, 9)}  # fmt: skip
    for cut in sorted(c for c in cuts if 0 <= c <= len(stream)):
        assert feed_all([stream[:cut], stream[cut:]]) == expected
    assert feed_all(stream[at : at + 64] for at in range(0, len(stream), 64)) == expected


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_an_event_is_complete_with_its_last_line_end(line_end: bytes) -> None:
    # With CR alone the next chunk could begin with LF; the event must not wait for it.
    decoder = SseDecoder()

    assert decoder.feed(b"data: x" + line_end + line_end) == [b"x"]


def test_crlf_cut_in_the_middle_makes_no_event_twice() -> None:
    assert feed_all([b"data: a\r", b"\n\r", b"\ndata: b\r\n", b"\r\n"]) == [b"a", b"b"]


def test_only_the_first_byte_order_mark_is_dropped() -> None:
    stream = b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n"

    assert feed_all(bytes([byte]) for byte in stream) == [b"a"]


def test_comments_are_counted_and_are_no_events() -> None:
    decoder = SseDecoder()

    assert feed_all([b": keep-alive\n\n", b":\n\nid: 1\ndata: a\n\n", b": more\n\n"], decoder) == [
        b"a"
    ]
    assert decoder.comments == 3
    assert decoder.last_event_id == "1"


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        (b"id: 42", "42"),
        (b"id:42", "42"),
        (b"id:  42", " 42"),
        (b"id", ""),
        (b"id: a\0b", "before"),
        (b"Id: 42", "before"),
    ],
)
def test_last_event_id(line: bytes, seen: str) -> None:
    decoder = SseDecoder()
    decoder.feed(b"id: before\n\n")

    decoder.feed(line + b"\n\n")

    assert decoder.last_event_id == seen


def test_a_burst_of_events_with_ids_leaves_the_last_id() -> None:
    decoder = SseDecoder()

    assert decoder.feed(b"id: 7-1\ndata: a\n\nid: 7-2\ndata: b\n\nid: 7-3\n") == [b"a", b"b"]
    assert decoder.last_event_id == "7-2"
    assert decoder.feed(b"data: c\n\n") == [b"c"]
    assert decoder.last_event_id == "7-3"


@pytest.mark.parametrize(
    "stream",
    [
        b"id: 1\ndata: a\n\nxid: 2\ndata: b\n\n",
        b"id: 1\ndata: a\n\ndata: b\nid: 2\ndata: c\n\n",
        b"id: 1\ndata: a\n\nid: 2\ndata:b\n\n",
        b"id: 1\ndata: a\n\nid: 2\ndata: \n\n",
        b"id: 1\ndata: a\n\nid: 2\nevent: x\ndata: b\n\n",
        b"id: 1\ndata: a\n\nid: \ndata: b\n\n",
        b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n",
    ],
)
def test_what_only_looks_like_events_with_ids_is_read_by_the_standard(stream: bytes) -> None:
    decoder = SseDecoder()

    events, last_id = by_the_standard(stream)

    assert (decoder.feed(stream), decoder.last_event_id) == (events, last_id)


def test_the_id_of_an_event_that_is_not_complete_does_not_count() -> None:
    decoder = SseDecoder()

    decoder.feed(b"id: 1\ndata: a\n\nid: 2\ndata: b\n")

    assert decoder.last_event_id == "1"


@pytest.mark.parametrize(
    ("value", "seen"),
    [(b"3000", 3000), (b"-5", None), (b"1_000", None), (b"", None), (b"9" * 5000, None)],
)
def test_retry_takes_digits_only(value: bytes, seen: int | None) -> None:
    decoder = SseDecoder()

    decoder.feed(b"retry: " + value + b"\n\n")

    assert decoder.retry_ms == seen


def test_data_lines_are_joined_and_keep_all_spaces_but_one() -> None:
    assert SseDecoder().feed(b"data:  a \ndata:b\ndata\n\n") == [b" a \nb\n"]


def test_u2028_is_no_line_end() -> None:
    line = 'data: {"a":"x\u2028y\u0085z"}\n\n'.encode()

    assert SseDecoder().feed(line) == [line[6:-2]]


def test_an_oversized_event_is_dropped_and_the_next_one_is_whole() -> None:
    decoder = SseDecoder(max_event_bytes=100)
    stream = b"data: " + b"x" * 5000 + b"\n\ndata: next\n\n"

    assert feed_all((stream[at : at + 7] for at in range(0, len(stream), 7)), decoder) == [b"next"]
    assert decoder.oversized == 1


def test_an_oversized_event_is_not_held_in_memory() -> None:
    decoder = SseDecoder(max_event_bytes=1000)

    for _ in range(100):
        decoder.feed(b"x" * 500)

    assert sum(map(len, decoder._parts)) <= 1500


def test_the_parts_of_a_long_event_are_kept_as_they_came() -> None:
    # Linear time: nothing is joined or searched again before the event is complete.
    decoder = SseDecoder()
    chunks = [b"data: " + b"x" * 1400, *(bytes([65 + n % 26]) * 1400 for n in range(500))]

    for chunk in chunks:
        decoder.feed(chunk)

    assert all(kept is chunk for kept, chunk in zip(decoder._parts, chunks, strict=True))
    assert decoder.feed(b"\n\n") == [b"".join(chunks)[6:]]
