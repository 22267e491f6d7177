"""Events: what is unknown is kept and counted, what is broken is counted and skipped."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.recordings import exchange, stream_bytes, stream_names

from durably_tui.protocol import (
    Decoder,
    Gap,
    LogLevel,
    LogWrite,
    Malformed,
    RunCancel,
    RunProgress,
    RunStart,
    RunTrigger,
    SseDecoder,
    Tally,
    UnknownEvent,
)

FRAMES = [
    frame
    for generation in ("v0.8", "v0.15")
    for name in stream_names(generation)
    for frame in SseDecoder().feed(stream_bytes(generation, name))
]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
EVENT_FIELDS = sorted(
    {field for frame in FRAMES for field in json.loads(frame)} | {"extra", "word"}
)
RUN_FIELDS = sorted(
    {field for g in ("v0.8", "v0.15") for field in exchange(g, "run-active").body}
    | {"extra", "payload", "input"}
)


def encode(value: Any) -> bytes:
    return json.dumps(value).encode()


def event(**fields: Any) -> bytes:
    return encode({"type": "run:cancel", "runId": "a", **fields})


# -- nothing raises ----------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_arbitrary_bytes_never_raise(frames: list[bytes]) -> None:
    decoder = Decoder()

    events = decoder.events(frames)

    assert len(events) + decoder.tally.malformed >= len(frames)


@given(st.sampled_from(FRAMES), st.data())
def test_mutated_frames_never_raise(frame: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(frame)))
    until = data.draw(st.integers(at, min(len(frame), at + 20)))
    broken = frame[:at] + data.draw(st.binary(max_size=8)) + frame[until:]
    decoder = Decoder()

    events = decoder.events([frame, broken, frame])

    assert events[0] == events[-1] == Decoder().event(frame)
    assert len(events) + decoder.tally.malformed >= 3


@given(st.sampled_from(FRAMES), st.dictionaries(st.sampled_from(EVENT_FIELDS), JSON, max_size=4))
def test_any_value_in_any_field_never_raises(frame: bytes, fields: dict[str, Any]) -> None:
    raw = json.loads(frame) | fields
    decoder = Decoder()

    found = decoder.event(encode(raw))

    assert found is not None or decoder.tally.malformed


@given(st.dictionaries(st.sampled_from(RUN_FIELDS), JSON, max_size=4))
def test_any_value_in_any_field_of_a_run_never_raises(fields: dict[str, Any]) -> None:
    decoder = Decoder()
    intact = exchange("v0.15", "run-completed").body

    runs = decoder.runs(encode([exchange("v0.15", "run-active").body | fields, intact]))

    assert runs[-1] == Decoder().run(encode(intact))
    assert len(runs) == 2 or decoder.tally.malformed


@given(JSON)
def test_any_answer_is_read_or_malformed(value: Any) -> None:
    decoder = Decoder()
    for read in (decoder.runs, decoder.run, decoder.steps, decoder.triggered):
        with contextlib.suppress(Malformed):
            read(encode(value))


@given(st.lists(st.sampled_from(FRAMES) | st.binary(max_size=30), max_size=6))
def test_a_burst_decodes_as_its_frames_do_alone(frames: list[bytes]) -> None:
    alone = [found for frame in frames if (found := Decoder().event(frame)) is not None]

    assert Decoder().events(frames) == alone


# -- events ------------------------------------------------------------------------------------


def test_an_unknown_event_is_kept_whole_and_counted() -> None:
    decoder = Decoder()

    found = decoder.event(
        encode({"type": "run:teleported", "runId": "a", "word": "w", "to": {"x": 1}})
    )

    assert isinstance(found, UnknownEvent)
    assert (found.type, found.run_id, found.extra) == (
        "run:teleported", "a", {"word": "w", "to": {"x": 1}}
    )  # fmt: skip
    assert decoder.tally.unknown_events == {"run:teleported": 1}
    assert not decoder.tally.malformed


def test_an_unknown_event_about_no_run_is_kept() -> None:
    found = Decoder().event(encode({"type": "stream:paused", "missed": 12}))

    assert isinstance(found, UnknownEvent)
    assert (found.run_id, found.extra) == ("", {"missed": 12})


def test_unknown_fields_are_kept_and_counted() -> None:
    decoder = Decoder()

    found = decoder.event(event(shard=3, extra={"x": 1}))

    assert isinstance(found, RunCancel)
    assert found.extra == {"shard": 3, "extra": {"x": 1}}
    assert decoder.tally.unknown_fields == {"shard": 1, "extra": 1}


def test_a_field_named_extra_alone_is_a_field_that_nobody_knows() -> None:
    decoder = Decoder()

    found = decoder.event(event(extra={"x": 1}))

    assert found is not None
    assert found.extra == {"extra": {"x": 1}}
    assert decoder.tally.unknown_fields == {"extra": 1}


def test_a_wrong_type_is_counted_and_the_rest_of_the_event_stands() -> None:
    decoder = Decoder()

    found = decoder.event(
        encode({"type": "run:progress", "runId": "a", "jobName": [], "progress": "half"})
    )

    assert isinstance(found, RunProgress)
    assert (found.run_id, found.job_name, found.progress) == ("a", "", None)
    assert found.extra == {"jobName": [], "progress": "half"}
    assert decoder.tally.malformed == 2


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"null",
        b"[1, 2, 3]",
        b"{}",
        b'{"runId":"a"}',
        b'{"type":7,"runId":"a"}',
        b'{"type":"run:cancel"}',
        b'{"type":"run:cancel","runId":7}',
        b'{"type":"run:cancel","runId":"a"',
        b'{"type":"run:cancel","runId":"a"},{"type":"run:cancel","runId":"b"}',
        b'{"type":"run:cancel","runId":"\xff\xfe"}',
        b'{"type":"run:cancel","runId":"a\0"}',
        b"\0",
        b'{"type":"x","runId":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    ],
)
def test_a_broken_frame_is_counted_and_the_others_stand(frame: bytes) -> None:
    decoder = Decoder()

    events = decoder.events([event(), frame, event()])

    assert [type(found) for found in events] == [RunCancel, RunCancel]
    assert decoder.tally.malformed == 1


def test_two_halves_do_not_make_an_event() -> None:
    decoder = Decoder()

    assert decoder.events([b'{"type":"run:cancel"', b'"runId":"a"}']) == []
    assert decoder.tally.malformed == 2


def test_a_10_mb_line_is_dropped_by_size_and_read_below_it() -> None:
    line = event(jobName="x" * 10_000_000)
    sse, decoder = SseDecoder(), Decoder()

    assert sse.feed(b"data: " + line + b"\n\ndata: " + event() + b"\n\n") == [event()]
    assert sse.oversized == 1
    assert decoder.event(line) is not None


def test_half_an_emoji_costs_one_character_only() -> None:
    frame = b'{"type":"log:write","runId":"a","message":"\\ud83d \\uD83D\\uDE00 \\\\ud83d \\ude00"}'
    decoder = Decoder()

    found = decoder.event(frame)

    assert isinstance(found, LogWrite)
    assert found.message == "\ufffd \N{GRINNING FACE} \\ud83d \ufffd"
    assert not decoder.tally.malformed


def test_an_event_time_without_a_zone_is_kept_aside() -> None:
    decoder = Decoder()

    found = decoder.event(event(timestamp="2026-01-01T00:00:00"))

    assert found is not None
    assert found.timestamp is None
    assert found.extra == {"timestamp": "2026-01-01T00:00:00"}


def test_both_words_for_a_start_and_its_input() -> None:
    old = Decoder().event(encode({"type": "run:start", "runId": "a", "payload": {"n": 1}, "z": 1}))
    new = Decoder().event(encode({"type": "run:leased", "runId": "a", "input": {"n": 1}, "z": 1}))

    assert type(old) is RunStart
    assert old == new


@pytest.mark.parametrize(("level", "read"), [("warn", LogLevel.WARN), ("loud", LogLevel.UNKNOWN)])
def test_log_levels(level: str, read: LogLevel) -> None:
    found = Decoder().event(
        encode({"type": "log:write", "runId": "a", "message": "m", "level": level})
    )

    assert isinstance(found, LogWrite)
    assert found.entry().level is read


def test_log_data_may_be_absent() -> None:
    found = Decoder().event(encode({"type": "log:write", "runId": "a", "message": "m"}))

    assert isinstance(found, LogWrite)
    assert found.data is None
    assert found.entry().step_name is None


def test_null_labels_are_no_labels() -> None:
    decoder = Decoder()

    found = decoder.event(encode({"type": "run:trigger", "runId": "a", "labels": None}))

    assert found == RunTrigger(run_id="a")
    assert not decoder.tally.malformed


def test_the_tally_is_bounded() -> None:
    tally = Tally()

    for number in range(1000):
        tally.field(f"field-{number}")
        tally.event("e" * number)

    assert len(tally.unknown_fields) == 101
    assert len(tally.unknown_events) <= 101
    assert sum(tally.unknown_fields.values()) == sum(tally.unknown_events.values()) == 1000
    assert max(map(len, tally.unknown_events)) <= 200


def test_a_gap_needs_no_run() -> None:
    gap = Decoder().event(b'{"type":"gap","reason":"expired"}')

    assert gap == Gap(reason="expired")
    assert (gap.type, gap.run_id) == ("gap", "")


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_times_that_nobody_can_reckon_with_are_no_times(time: str) -> None:
    decoder = Decoder()
    frame = {"type": "step:complete", "runId": "r", "stepName": "s", "stepIndex": 0}
    event = decoder.event(json.dumps(frame | {"timestamp": time, "duration": 1}).encode())
    assert event is not None
    assert event.timestamp is None
    assert "timestamp" in event.extra
    body = {"id": "r", "jobName": "a", "status": "failed", "createdAt": time, "startedAt": time}
    run = decoder.run(json.dumps(body).encode())
    assert (run.created_at, run.started_at) == (None, None)
    assert run.extra["createdAt"] == time


def test_what_an_event_does_not_have_cannot_be_put_into_it() -> None:
    event = RunCancel(run_id="a")
    assert event.extra == {}
    for change in (
        lambda: event.extra.__setitem__("x", 1),
        lambda: event.extra.update(x=1),
        lambda: event.extra.setdefault("x", 1),
    ):
        with pytest.raises(TypeError, match="frozen"):
            change()
    assert RunCancel(run_id="b").extra | {"x": 1} == {"x": 1}
