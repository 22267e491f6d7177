"""Answers as they come from any server: what is read, what is kept aside, what is malformed."""

import json
from typing import Any

import pytest
from support.recordings import exchange

from durably_tui.protocol import Decoder, Disposition, Malformed, RunStatus, StepStatus


def encode(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_one_broken_run_does_not_hide_the_others() -> None:
    decoder = Decoder()
    intact = exchange("v0.15", "run-active").body

    runs = decoder.runs(encode([intact, 7, {"id": "b"}, intact | {"labels": 3}]))

    assert [run.id for run in runs] == [intact["id"]] * 2
    assert runs[1].labels == {}
    assert runs[1].extra == {"labels": 3}
    assert decoder.tally.malformed == 3  # 7, the run of no job, the labels


def test_a_bad_character_in_one_run_does_not_hide_the_others() -> None:
    intact = encode(exchange("v0.15", "run-active").body)
    body = b"[" + intact + b"," + intact.replace(b"steps", b"\\ud83d \xff") + b"]"

    runs = Decoder().runs(body)

    assert [run.job_name for run in runs] == ["steps", "\ufffd \ufffd"]


def test_an_unknown_status_is_kept() -> None:
    run = Decoder().run(encode(exchange("v0.15", "run-active").body | {"status": "dreaming"}))

    assert run.status is RunStatus.UNKNOWN
    assert run.extra == {"status": "dreaming"}
    assert not run.is_active
    assert not run.is_terminal


def test_unknown_fields_of_a_run_are_kept_and_counted() -> None:
    decoder = Decoder()

    run = decoder.run(encode(exchange("v0.8", "run-active").body | {"priority": 9}))

    assert run.extra == {"priority": 9}
    assert decoder.tally.unknown_fields == {"priority": 1}


def test_times_of_a_run_are_always_comparable() -> None:
    intact = exchange("v0.15", "run-active").body
    times = ["2026-01-01T00:00:00", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"]

    runs = Decoder().runs(encode([intact | {"createdAt": time} for time in times]))

    assert len({run.created_at for run in runs}) == 1


def test_a_time_that_is_none_is_kept_aside() -> None:
    run = Decoder().run(encode(exchange("v0.15", "run-active").body | {"createdAt": "soon"}))

    assert run.created_at is None
    assert run.extra == {"createdAt": "soon"}


def test_an_unknown_step_status_reads_unknown() -> None:
    step = exchange("v0.15", "steps-active").body[0] | {"status": "odd"}

    assert Decoder().steps(encode([step]))[0].status is StepStatus.UNKNOWN


@pytest.mark.parametrize("disposition", ["teleported", None, 7])
def test_a_disposition_that_nobody_knows_does_not_lose_the_run(disposition: Any) -> None:
    triggered = Decoder().triggered(encode({"runId": "a", "disposition": disposition}))

    assert (triggered.run_id, triggered.disposition) == ("a", Disposition.CREATED)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"error":"x"}', b"[1]", b"null"])
def test_an_answer_of_another_kind_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed, match="not a run"):
        Decoder().run(body if body.startswith((b"{", b"[", b"n")) else b"7")
    with pytest.raises(Malformed):
        Decoder().triggered(body)
