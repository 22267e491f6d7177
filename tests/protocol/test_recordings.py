"""Every recorded exchange and stream of both generations, decoded and compared field by field."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from support.recordings import (
    Exchange,
    closed_by_server,
    exchange,
    exchange_names,
    stream_bytes,
    stream_events,
    stream_names,
)

from durably_tui.protocol import (
    Decoder,
    Disposition,
    Run,
    RunStatus,
    SseDecoder,
    Step,
    StepStatus,
)

GENERATIONS = ("v0.8", "v0.15")
STREAMS = [(g, name) for g in GENERATIONS for name in stream_names(g)]
EXCHANGES = [(g, name) for g in GENERATIONS for name in exchange_names(g)]
# The words of 0.8 and what they are called here.
WORDS = {"run:start": "run:leased"}
FIELDS = {"payload": "input", "stepCount": "completedStepCount"}
STATUSES = {"leased": "running"}
NOT_KEPT = {"heartbeatAt", "isTerminal", "isActive"}  # told by status, or of no use to a reader


def answers(method: str, route: str) -> list[Any]:
    found = []
    for generation, name in EXCHANGES:
        recorded = exchange(generation, name)
        asked = (recorded.method, recorded.path.partition("?")[0])
        if asked == (method, route) and recorded.status == 200:
            found.append(pytest.param(recorded, id=f"{generation}-{name}"))
    assert found
    return found


def body_of(recorded: Exchange) -> bytes:
    return msgspec.json.encode(recorded.body)


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def nothing_unknown(decoder: Decoder) -> bool:
    tally = decoder.tally
    return not (tally.malformed or tally.unknown_events or tally.unknown_fields)


@pytest.mark.parametrize(("generation", "name"), STREAMS)
def test_a_recorded_stream_decodes_with_nothing_lost(generation: str, name: str) -> None:
    decoder = Decoder()

    events = decoder.events(SseDecoder().feed(stream_bytes(generation, name)))

    written = stream_events(generation, name)
    assert len(events) == len(written)
    assert nothing_unknown(decoder)
    for event, raw in zip(events, written, strict=True):
        read = msgspec.to_builtins(event)
        for field, value in raw.items():
            if field == "type":
                assert event.type == WORDS.get(value, value)
            elif field in {"timestamp", "leaseExpiresAt"}:
                assert moment(read[field]) == moment(value)
            elif field == "progress":
                assert {k: v for k, v in read[field].items() if v is not None} == value
            else:
                assert read[FIELDS.get(field, field)] == value


@pytest.mark.parametrize(("generation", "name"), STREAMS)
def test_a_burst_decodes_as_its_frames_do_one_by_one(generation: str, name: str) -> None:
    frames = SseDecoder().feed(stream_bytes(generation, name))

    assert Decoder().events(frames) == [Decoder().event(frame) for frame in frames]


def check_run(run: Run, raw: dict[str, Any]) -> None:
    for wire_field, value in raw.items():
        if wire_field in NOT_KEPT:
            continue
        field = FIELDS.get(wire_field, wire_field)
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in field)
        read = getattr(run, name)
        if field == "status":
            assert read == STATUSES.get(value, value)
        elif field.endswith("At"):
            assert read == moment(value)
        elif field == "progress" and value is not None:
            assert {k: v for k, v in msgspec.to_builtins(read).items() if v is not None} == value
        else:
            assert read == value
    assert run.extra == {}
    if "isTerminal" in raw:
        assert (run.is_terminal, run.is_active) == (raw["isTerminal"], raw["isActive"])


@pytest.mark.parametrize("recorded", answers("GET", "/runs"))
def test_a_recorded_list_of_runs(recorded: Exchange) -> None:
    decoder = Decoder()

    runs = decoder.runs(body_of(recorded))

    assert len(runs) == len(recorded.body)
    assert nothing_unknown(decoder)
    for run, raw in zip(runs, recorded.body, strict=True):
        check_run(run, raw)


@pytest.mark.parametrize("recorded", answers("GET", "/run"))
def test_a_recorded_run(recorded: Exchange) -> None:
    decoder = Decoder()

    check_run(decoder.run(body_of(recorded)), recorded.body)

    assert nothing_unknown(decoder)


@pytest.mark.parametrize("recorded", answers("GET", "/steps"))
def test_recorded_steps(recorded: Exchange) -> None:
    decoder = Decoder()

    steps = decoder.steps(body_of(recorded))

    assert nothing_unknown(decoder)
    assert steps == [
        Step(
            id=raw["id"],
            run_id=raw["runId"],
            name=raw["name"],
            index=raw["index"],
            status=StepStatus(raw["status"]),
            output=raw["output"],
            error=raw["error"],
            started_at=moment(raw["startedAt"]),
            completed_at=moment(raw["completedAt"]),
        )
        for raw in sorted(recorded.body, key=lambda step: step["index"])
    ]


@pytest.mark.parametrize("recorded", answers("POST", "/trigger"))
def test_a_recorded_trigger(recorded: Exchange) -> None:
    triggered = Decoder().triggered(body_of(recorded))

    assert triggered.run_id == recorded.body["runId"]
    assert triggered.disposition == recorded.body.get("disposition", Disposition.CREATED)


@pytest.mark.parametrize("recorded", answers("POST", "/retrigger"))
def test_a_recorded_retrigger(recorded: Exchange) -> None:
    assert Decoder().triggered(body_of(recorded)).run_id == recorded.body["runId"]


def test_both_words_for_a_running_run_read_the_same() -> None:
    new = Decoder().run(body_of(exchange("v0.15", "run-active")))
    old = Decoder().run(body_of(exchange("v0.8", "run-active")))

    assert new.status is old.status is RunStatus.RUNNING
    assert new.input == old.input == {"count": 4, "delayMs": 400}


def test_every_stream_that_the_server_closed_ends_with_a_terminal_event() -> None:
    for generation in GENERATIONS:
        for name, closed in closed_by_server(generation).items():
            if closed:
                last = Decoder().events(SseDecoder().feed(stream_bytes(generation, name)))[-1]
                assert last.type in {"run:complete", "run:fail", "run:cancel"}
