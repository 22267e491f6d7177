"""``make fuzz``: mutated frames, answers and texts; nothing may raise, be slow, or grow.

The ordinary suite searches the same doors with Hypothesis, which shrinks what it finds; here is
the mass: a million frames take minutes this way, where they would take hours that way. The dice
are seeded, so a finding comes back with ``--seed``.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from support.hostile import HOSTILE, is_inert
from support.recordings import exchange, exchange_names, stream_bytes, stream_names

from durably_tui.filters import matches, needs, parse
from durably_tui.protocol import Decoder, Run, RunStatus, SseDecoder
from durably_tui.protocol.decode import Malformed
from durably_tui.protocol.events import KNOWN
from durably_tui.text import cells, compact_json, drop_cells, fit, pretty_json, safe
from tests.proof.fuzz_doors import Doors, client_meets, config_is_read, server_is_asked
from tests.proof.fuzz_meter import Meter
from tests.proof.fuzz_mutator import Mutator
from tests.proof.report import Check, Trial, main

GENERATIONS = ("v0.8", "v0.15")
BURST = 25
"""Mutated frames that come in one read, as on a busy stream."""


def frames() -> list[bytes]:
    """Every recorded frame of both generations, and one of each word that only we know."""
    found = []
    for generation in GENERATIONS:
        for name in stream_names(generation):
            found += [each for each in stream_bytes(generation, name).split(b"\n\n") if each]
    fields = {
        "runId": "r1", "jobName": "a", "labels": {"env": "prod"}, "stepName": "s", "stepIndex": 0,
        "progress": {"current": 1, "total": 2}, "error": "x", "output": {"n": 1}, "input": {},
        "level": "info", "message": "m", "data": {"i": 1}, "sequence": 7, "duration": 3,
        "timestamp": "2026-01-01T00:00:00.000Z", "leaseOwner": "w", "reason": "slow",
    }  # fmt: skip
    words = [str(event.__struct_config__.tag) for event in KNOWN]
    return found + [b"data: " + json.dumps({"type": word} | fields).encode() for word in words]


def answers() -> list[tuple[str, bytes]]:
    """Every recorded JSON answer by the method that reads it, and answers of our own routes."""
    found = []
    readers = {"runs": "runs", "run": "run", "steps": "steps", "trigger": "triggered"}
    for generation in GENERATIONS:
        for name in exchange_names(generation):
            word = name.partition("-")[0]
            body = exchange(generation, name).body
            if word in readers and isinstance(body, (dict, list)):
                found.append((readers[word], json.dumps(body).encode()))
    for word, body in OWN.items():
        found.append((word, json.dumps(body).encode()))
    return found


OWN: dict[str, Any] = {
    "jobs": [
        {"name": "a", "description": "b", "inputSchema": {"type": "object"}, "outputSchema": None,
         "counts": {"pending": 1, "leased": 2}, "lastRunAt": "2026-01-01T00:00:00.000Z"},
    ],
    "logs": [
        {"id": "01M8104RXVSJPZTDN0R5GRKXM7", "runId": "r", "jobName": "a", "stepName": None,
         "level": "warn", "message": "m", "data": {"a": [1]},
         "createdAt": "2026-01-01T00:00:00.000Z"},
    ],
    "stats": {
        "window": 3600,
        "jobs": [{"jobName": "a", "counts": {"failed": 1}, "started": 1, "completed": 2,
                  "failed": 3, "cancelled": 4, "ratePerMinute": 0.5,
                  "durationMs": {"p50": 1, "p95": 2}, "lastRunAt": None}],
    },
}  # fmt: skip


def frames_to_state(trial: Trial) -> str:
    """Mutated frames through decoder and every reducer; what is good after them still comes."""
    count = trial.pick(900_000, 30_000)
    mutator = Mutator(trial.dice, frames())
    meter, doors = Meter(trial, count), Doors(trial.dice)
    for number in range(0, count, BURST):
        if number % 5_000 == 0:
            doors.begin()
        bad = [mutator.one() for _ in range(BURST)]
        meter.take(bad, lambda bad=bad, number=number: doors.frames(bad, number), BURST)  # type: ignore[misc]
    return f"{meter.figures()}; {doors.figures()}"


def answers_to_state(trial: Trial) -> str:
    """Mutated answers: decoded, or refused as malformed, and then taken in."""
    count = trial.pick(100_000, 8_000)
    corpus = answers()
    mutator = Mutator(trial.dice, [body for _, body in corpus])
    meter, doors = Meter(trial, count), Doors(trial.dice)
    refused = 0
    doors.begin()

    def one(reader: str, body: bytes) -> bool:
        try:
            found = getattr(Decoder(), reader)(body)
        except Malformed:
            return False
        doors.answer(reader, found)
        return True

    for _ in range(count):
        reader, body = trial.dice.choice(corpus)
        bad = mutator.mutated(body)
        refused += not meter.take((reader, bad), lambda r=reader, b=bad: one(r, b))  # type: ignore[misc]
    return f"{meter.figures()}; {refused:,} refused as malformed"


def sse(trial: Trial) -> str:
    """Any chunking of any bytes is the same events, and nothing is kept beyond the limit."""
    count = trial.pick(100_000, 8_000)
    mutator = Mutator(trial.dice, [frame + b"\n\n" for frame in frames()])
    meter = Meter(trial, count)
    limit = 4_000

    def one(whole: bytes) -> None:
        at_once, by_parts = SseDecoder(limit), SseDecoder(limit)
        expected, found, at = at_once.feed(whole), [], 0
        while at < len(whole):
            size = trial.dice.choice((1, 2, 3, 7, 50, 1400))
            found += by_parts.feed(whole[at : at + size])
            kept = sum(map(len, by_parts._parts))
            assert kept <= limit + 1400 + 3, f"{kept} bytes are kept"
            at += size
        assert found == expected, "the chunks changed the events"
        assert by_parts.oversized == at_once.oversized
        assert (by_parts.last_event_id, by_parts.retry_ms) == (
            at_once.last_event_id,
            at_once.retry_ms,
        )

    for _ in range(count):
        whole = b"".join(mutator.one() for _ in range(1 + trial.dice.randrange(3)))
        meter.take(whole, lambda w=whole: one(w))  # type: ignore[misc]
    return meter.figures()


_WORDS = (
    *(
        "status:",
        "job:",
        "label:",
        "input:",
        "error:",
        "id:",
        "age:",
        "-",
        '"',
        ",",
        "=",
        "<1h",
        ">9d",
    ),
    *("failed", "bogus", "imp*", "?", "[a", "**", "env=prod", "a.b[0]=1", "1", "\u2028", " ", "::"),
    *(
        "(",
        ")",
        "\\",
        "é",
        "界",
        "x" * 300,
        ">999999w",
        "<",
        "age:<0s",
        "customer=42",
        "NaN",
        "null",
    ),
)
_RUN = Run(
    id="01HZR5GRKXM7", job_name="import-csv", status=RunStatus.FAILED,
    input={"customer": 42, "rows": [{"name": "Ada"}]}, labels={"env": "prod"},
    error="Timeout after 30 s", created_at=datetime(2026, 5, 14, 11, tzinfo=UTC),
)  # fmt: skip
_NOW = datetime(2026, 5, 14, 12, tzinfo=UTC).timestamp()


def _text(dice: random.Random, words: tuple[str, ...]) -> str:
    parts = [
        dice.choice(words) if dice.random() < 0.8 else dice.choice(HOSTILE)[:400]
        for _ in range(dice.randrange(12))
    ]
    return "".join(parts)


def filters(trial: Trial) -> str:
    """Any text is a filter that says what it understood, and says the same when read again."""
    count = trial.pick(100_000, 8_000)
    meter = Meter(trial, count)

    def one(text: str) -> None:
        found = parse(text)
        needs(found)
        matches(found, _RUN, _NOW)
        assert all("\n" not in problem for problem in found.problems), found.problems
        again = parse(" ".join(map(str, found.terms)))
        if '"' not in text and len(text) < 900:
            assert again.terms == found.terms, (again, found)

    for _ in range(count):
        text = _text(trial.dice, _WORDS)
        meter.take(text, lambda t=text: one(t))  # type: ignore[misc]
    return meter.figures()


def sanitizer(trial: Trial) -> str:
    """Any text is made inert, and is as wide as it says."""
    count = trial.pick(30_000, 2_000)
    meter = Meter(trial, count)
    dice = trial.dice

    def one(text: str, width: int) -> None:
        shown = safe(text)
        assert is_inert(shown), ascii(shown)[:300]
        assert len(text) > 10_000 or safe(shown) == shown, "twice is not as once"
        assert cells(fit(shown, width)) == width
        assert cells(drop_cells(shown, width)) <= cells(shown)
        kept = safe(text, keep_newlines=True)
        assert is_inert(kept.replace("\n", ""))
        assert is_inert(safe(compact_json({text: [text]})))
        pretty_json({text: [text]})

    for _ in range(count):
        if dice.random() < 0.5:
            text = _text(dice, HOSTILE)
        else:
            text = "".join(chr(dice.randrange(0x110000)) for _ in range(dice.randrange(60)))
        meter.take(text, lambda t=text: one(t, dice.randrange(2, 90)))  # type: ignore[misc]
    return meter.figures()


def _config(trial: Trial) -> str:
    return config_is_read(trial, Meter(trial, count := trial.pick(30_000, 2_000)), count)


def _client(trial: Trial) -> str:
    return asyncio.run(client_meets(trial, trial.pick(5_000, 400), [b for _, b in answers()]))


def _server(trial: Trial) -> str:
    return asyncio.run(server_is_asked(trial, trial.pick(30_000, 2_500)))


def _check(name: str, run: Callable[[Trial], str], within: float) -> Check:
    return Check(name, run, within=within, within_short=240)


CHECKS = [
    _check("frames into state", frames_to_state, 1500),
    _check("answers into state", answers_to_state, 600),
    _check("sse decoder", sse, 600),
    _check("filter", filters, 300),
    _check("sanitizer", sanitizer, 600),
    _check("config", _config, 300),
    _check("client and HTTP", _client, 300),
    _check("server", _server, 600),
]

if __name__ == "__main__":
    main("fuzz", "Fuzz", CHECKS)
