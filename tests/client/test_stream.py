"""Streams over real sockets: what they deliver."""

import asyncio
import gzip
from typing import Any

import pytest
from support import bad_servers as bad
from support.recorded_server import recorded_server
from support.recordings import closed_by_server, exchange, stream_events, stream_names
from support.replay08 import replay08
from support.scripted_stream import good, ids, run_event, scripted, sends, watching

from durably_tui.client import DurablyClient
from durably_tui.protocol import Phase, UnknownEvent

WORDS = {"run:start": "run:leased"}


@pytest.mark.parametrize(
    ("generation", "name"), [(g, n) for g in ("v0.8", "v0.15") for n in stream_names(g)]
)
@pytest.mark.parametrize("chunk", [0, 11])
async def test_a_recorded_stream_arrives_whole(generation: str, name: str, chunk: int) -> None:
    of_all = name.startswith("runs-")
    route = "/runs/subscribe" if of_all else "/subscribe"
    written = stream_events(generation, name)
    # As 0.15, so that the run itself is not asked for: the recordings know it as it was later.
    async with (
        recorded_server(generation, {route: name}, chunk=chunk) as peer,
        DurablyClient(peer.url, abilities="0.15") as client,
    ):
        stream = client.subscribe_runs() if of_all else client.subscribe(written_id(written))
        async with watching(stream) as watch:
            await watch.until(lambda w: len(w.events) == len(written))
            if closed_by_server(generation)[name]:
                await watch.end()
            else:
                assert watch.batches == [] or watch.batches[-1].connection.epoch == 1

    assert [e.type for e in watch.events] == [WORDS.get(r["type"], r["type"]) for r in written]
    assert [e.run_id for e in watch.events] == [r["runId"] for r in written]


def written_id(events: list[dict[str, Any]]) -> str:
    return events[0]["runId"] if events else exchange("v0.8", "run-completed").body["id"]


async def test_typed_events_without_batches() -> None:
    async with bad.streaming([good(0), good(1)]) as peer, DurablyClient(peer.url) as client:
        found = []
        async for event in client.subscribe_runs():
            found.append(event.run_id)
            if len(found) == 2:
                break

    assert found == ["GOOD-0", "GOOD-1"]


@pytest.mark.parametrize("kind", sorted(bad.GARBAGE))
async def test_garbage_is_skipped_and_the_good_event_after_it_arrives(kind: str) -> None:
    async with bad.garbage_stream(kind) as peer, DurablyClient(peer.url) as client:
        async with watching(client.subscribe_runs()) as watch:
            await watch.until(lambda w: "GOOD-0" in ids(w))
            assert watch.batches[-1].connection.phase is Phase.LIVE
        kept = [event for event in watch.events if event.run_id != "GOOD-0"]
        # What breaks no rule of the standard, and carries no event, is nothing to count.
        is_harmless = kind in {"no data", "only comments", "unknown field"}
        assert bool(kept or client.tally.malformed) is not is_harmless
        assert all(isinstance(event, UnknownEvent) for event in kept)


async def test_a_byte_order_mark_and_every_line_end() -> None:
    for server in (bad.bom_stream, lambda: bad.line_end_stream(b"\r"),
                   lambda: bad.line_end_stream(b"\r\n")):  # fmt: skip
        async with (
            server() as peer,
            DurablyClient(peer.url) as client,
            watching(client.subscribe_runs()) as watch,
        ):
            await watch.until(lambda w: ids(w)[:2] == ["GOOD-0", "GOOD-1"])


async def test_a_compressed_stream_is_read_too() -> None:
    async def script(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        assert request.headers["accept-encoding"] == "identity"
        head = {"Content-Type": "TEXT/Event-Stream; charset=latin-1", "Content-Encoding": "gzip"}
        writer.write(bad.response_head(200, head) + gzip.compress(good(0, 1)))

    async with (
        scripted(script) as peer,
        DurablyClient(peer.url) as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await watch.until(lambda w: ids(w)[:2] == ["GOOD-0", "GOOD-1"])


async def test_jobs_and_labels_are_asked_for() -> None:
    async with (
        bad.streaming([]) as peer,
        DurablyClient(peer.url, abilities="0.15") as client,
        watching(client.subscribe_runs(["a", "b"], {"team/x": "1"})) as watch,
    ):
        await watch.phase(Phase.LIVE)

    assert peer.requests[0].path.partition("?")[2] == "jobName=a&jobName=b&label.team%2Fx=1"


async def test_an_old_server_sends_all_and_the_wanted_ones_are_kept_here() -> None:
    async with replay08(work=False) as peer, DurablyClient(peer.url) as client:
        async with watching(client.subscribe_runs(["echo", "fails"])) as watch:
            await watch.phase(Phase.LIVE)
            for job in ("steps", "echo", "fails"):
                peer.durably.publish({"type": "run:cancel", "runId": job, "jobName": job})
            await watch.until(lambda w: ids(w) == ["echo", "fails"])
        async with watching(client.subscribe_runs("echo", {"env": "prod"})) as labelled:
            await labelled.phase(Phase.LIVE)
            peer.durably.publish({"type": "run:cancel", "runId": "x", "jobName": "echo"})
            await peer.streams_open(1)
        assert labelled.events == []

    streams = [asked for asked in peer.requests if "subscribe" in asked]
    assert streams[0] == "GET /runs/subscribe"


async def test_a_batch_has_the_data_of_its_events() -> None:
    chunk = bad.frame({"type": "run:cancel", "runId": "a"}) + run_event("run:fail", error="x" * 900)
    async with (
        scripted(sends(chunk, hang=True)) as peer,
        DurablyClient(peer.url) as client,
        watching(client.subscribe_runs()) as watch,
    ):
        await watch.until(lambda w: len(w.events) == 2)

    frames = [frame.removeprefix(b"data: ") for frame in chunk.split(b"\n\n")]
    assert [frame for b in watch.batches for frame in b.frames] == list(filter(None, frames))
