"""Streams that were lost and come back: ids, replay, gaps, and streams of some events only."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.server import Frames, listening, make_durably, reachable, triggered, types

from durably_server import Durably
from durably_server.engine.events import LogWrite
from durably_server.http import hub as hub_module


async def echo(client: httpx.AsyncClient, value: str = "x", **more: Any) -> str:
    return await triggered(client, {"jobName": "echo", "input": {"value": value}} | more)


async def steps(client: httpx.AsyncClient, *, count: int, delay: int) -> str:
    body = {"jobName": "steps", "input": {"count": count, "delayMs": delay}}
    return await triggered(client, body)


async def echoed(client: httpx.AsyncClient, frames: Frames, count: int = 1) -> None:
    """Runs of ``echo`` that have come to their end on a stream."""
    before = types(frames.events).count("run:complete")
    for _ in range(count):
        await echo(client)
    await frames.until_type("run:complete", before + count)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with reachable(make_durably(tmp_path)) as found:
        yield found


async def test_every_event_has_an_id_of_its_own(client: httpx.AsyncClient) -> None:
    async with listening(client, "/runs/subscribe") as frames:
        await echoed(client, frames, 3)
    assert None not in frames.ids
    assert len(set(frames.ids)) == len(frames.ids)


async def test_a_stream_that_heard_nothing_gets_what_it_missed(client: httpx.AsyncClient) -> None:
    async with listening(client, "/runs/subscribe") as lost:
        await lost.until_mark()
    assert lost.events == []
    run_id = await echo(client)
    async with listening(client, "/runs/subscribe", {"Last-Event-ID": lost.marks[-1]}) as back:
        await back.until_type("run:complete")
    assert types(back.events)[0] == "run:trigger"
    assert {event["runId"] for event in back.events} == {run_id}


async def test_a_run_that_said_nothing_more_gets_what_it_missed(
    client: httpx.AsyncClient,
) -> None:
    run_id = await steps(client, count=2, delay=300)
    async with listening(client, f"/subscribe?runId={run_id}") as lost:
        await lost.until_mark()
    told = [each for each in lost.ids if each]
    after = told[-1] if told else lost.marks[-1]
    async with listening(client, "/runs/subscribe") as all_runs:
        await all_runs.until_type("run:complete")
    path = f"/subscribe?runId={run_id}"
    async with listening(client, path, {"Last-Event-ID": after}) as back:
        await back.until_end()
    assert "gap" not in types(back.events)
    assert types(lost.events + back.events).count("step:complete") == 2


async def test_who_missed_nothing_is_told_no_other_place(client: httpx.AsyncClient) -> None:
    """Or a second loss, before all that was missed had come, would lose the rest."""
    async with listening(client, "/runs/subscribe") as lost:
        await lost.until_mark()
    await echo(client)
    async with listening(client, "/runs/subscribe", {"Last-Event-ID": lost.marks[-1]}) as back:
        await back.until_type("run:complete")
    assert back.marks == []


async def test_after_a_gap_a_stream_can_be_resumed(client: httpx.AsyncClient) -> None:
    async with listening(client, "/runs/subscribe", {"Last-Event-ID": "elsewhere-7"}) as lost:
        await lost.until_mark()
    assert types(lost.events) == ["gap"]
    await echo(client)
    async with listening(client, "/runs/subscribe", {"Last-Event-ID": lost.marks[-1]}) as back:
        await back.until_type("run:complete")
    assert types(back.events)[0] == "run:trigger"


async def test_what_is_not_for_a_stream_does_not_make_it_too_old(
    client: httpx.AsyncClient, monkeypatch: Any
) -> None:
    monkeypatch.setattr(hub_module, "KEEP_ALIVE_INTERVAL", 0.05)
    async with (
        listening(client, "/runs/subscribe?jobName=fails") as quiet,
        listening(client, "/runs/subscribe") as whole,
    ):
        await quiet.until_mark()
        await echoed(client, whole)
        last = whole.ids[-1]
        await quiet.until(lambda _: last in quiet.marks)
    assert quiet.events == []


@pytest.mark.parametrize("by_header", [True, False])
async def test_what_was_missed_comes_first(client: httpx.AsyncClient, by_header: bool) -> None:
    async with (
        listening(client, "/runs/subscribe") as whole,
        listening(client, "/runs/subscribe") as lost,
    ):
        await echoed(client, whole)
        await lost.until_type("run:complete")
    last = lost.ids[-1]
    assert last is not None
    async with listening(client, "/runs/subscribe") as whole_again:
        await echoed(client, whole_again, 2)
        sent = {"Last-Event-ID": last} if by_header else {}
        path = "/runs/subscribe" + ("" if by_header else f"?after={last}")
        async with listening(client, path, sent) as back:
            await back.until_type("run:complete", 2)
            await echoed(client, back)
            await whole_again.until_type("run:complete", 3)
    assert back.events == whole_again.events
    assert back.ids == whole_again.ids
    assert "gap" not in types(back.events)


async def test_a_browsers_header_counts_before_its_url(client: httpx.AsyncClient) -> None:
    async with listening(client, "/runs/subscribe") as frames:
        await echoed(client, frames, 2)
        first, last = frames.ids[0], frames.ids[-1]
        assert last is not None
        url = f"/runs/subscribe?after={first}"
        async with listening(client, url, {"Last-Event-ID": last}) as back:
            await echoed(client, back)
    assert types(back.events).count("run:complete") == 1


async def test_a_filter_holds_for_what_was_missed_too(client: httpx.AsyncClient) -> None:
    async with listening(client, "/runs/subscribe") as frames:
        await echoed(client, frames)
        after = frames.ids[-1]
        await echo(client, labels={"env": "prod"})
        await echo(client, labels={"env": "dev"})
        await client.post("/trigger", json={"jobName": "fails", "input": {"message": "no"}})
        await frames.until_type("run:complete", 3)
        await frames.until_type("run:fail")
        path = f"/runs/subscribe?after={after}&label.env=prod&jobName=echo&events=run:*"
        async with listening(client, path) as back:
            await back.until_type("run:complete")
    assert types(back.events) == ["run:trigger", "run:leased", "run:complete"]
    assert {event["labels"]["env"] for event in back.events} == {"prod"}


@pytest.mark.parametrize("after", ["nonsense", "00000000-7", "-", "7", "%F0%9F%98%80", "9" * 5000])
async def test_an_id_of_another_life_is_a_gap(client: httpx.AsyncClient, after: str) -> None:
    async with listening(client, f"/runs/subscribe?after={after}") as frames:
        await echoed(client, frames)
    assert frames.events[0]["type"] == "gap"
    assert frames.events[0]["reason"] == "unknown"
    assert frames.ids[0] is None
    assert types(frames.events).count("gap") == 1


async def test_an_id_that_was_never_given_is_a_gap(client: httpx.AsyncClient) -> None:
    async with listening(client, "/runs/subscribe") as frames:
        await echoed(client, frames)
    life = (frames.ids[0] or "").partition("-")[0]
    for number in (10**9, "9" * 4000, "1x", ""):
        async with listening(client, f"/runs/subscribe?after={life}-{number}") as back:
            await back.until_type("gap")


async def test_a_restart_is_a_gap(tmp_path: Path) -> None:
    async with (
        reachable(make_durably(tmp_path)) as client,
        listening(client, "/runs/subscribe") as frames,
    ):
        await echoed(client, frames)
    last = frames.ids[-1] or ""
    async with (
        reachable(make_durably(tmp_path)) as client,
        listening(client, "/runs/subscribe", {"Last-Event-ID": last}) as back,
    ):
        await echoed(client, back)
    assert types(back.events)[:2] == ["gap", "run:trigger"]


async def test_a_run_goes_on_where_its_stream_was_lost(client: httpx.AsyncClient) -> None:
    body = {"jobName": "steps", "input": {"count": 4, "delayMs": 60}}
    run_id = (await client.post("/trigger", json=body)).json()["runId"]
    path = f"/subscribe?runId={run_id}"
    async with listening(client, path) as whole:
        async with listening(client, path) as lost:
            await lost.until_step(1)
        await whole.until_step(2)
        async with listening(client, path, {"Last-Event-ID": lost.ids[-1] or ""}) as back:
            await back.until_end()
        await whole.until_end()
    at = whole.ids.index(lost.ids[-1])
    assert back.events == whole.events[at + 1 :]
    # A browser opens an ended stream again: it is told how the run ended, as by a Node server.
    async with listening(client, path, {"Last-Event-ID": back.ids[-1] or ""}) as again:
        await again.until_end()
    assert types(again.events) == ["run:complete"]


async def test_a_run_that_cannot_go_on_is_told_its_state_after_a_gap(
    client: httpx.AsyncClient,
) -> None:
    run_id = await echo(client)
    async with listening(client, f"/subscribe?runId={run_id}") as frames:
        await frames.until_end()
    headers = {"Last-Event-ID": "of-another-life"}
    async with listening(client, f"/subscribe?runId={run_id}", headers) as back:
        await back.until_end()
    assert types(back.events) == ["gap", "run:complete"]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ("run:complete", ["run:complete"]),
        ("run:trigger,run:complete", ["run:trigger", "run:complete"]),
        ("step:*", ["step:start", "step:complete"]),
        ("", ["run:trigger", "run:leased", "step:start", "step:complete", "run:complete"]),
    ],
)
async def test_a_stream_may_carry_some_events_only(
    client: httpx.AsyncClient, events: str, expected: list[str]
) -> None:
    async with (
        listening(client, f"/runs/subscribe?events={events}") as some,
        listening(client, "/runs/subscribe") as every,
    ):
        await echoed(client, every)
        await some.until(lambda found: len(found) >= len(expected))
    assert types(some.events) == expected


async def test_a_run_of_which_some_events_are_wanted_still_ends(client: httpx.AsyncClient) -> None:
    run_id = await echo(client)
    for _ in range(2):  # as it runs, and after its end
        async with listening(client, f"/subscribe?runId={run_id}&events=log:write") as frames:
            await frames.until_end()
        assert frames.events == []


@pytest.mark.parametrize(
    "events", ["run:nope", "gap", "run", "*", "run:complete,x", "step:*,", ","]
)
async def test_events_that_do_not_exist_are_refused(client: httpx.AsyncClient, events: str) -> None:
    answer = await client.get(f"/runs/subscribe?events={events}")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Invalid events: ")


async def test_a_client_that_reads_nothing_is_told_of_its_gap_and_holds_nobody_up(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("durably_server.http.subscriber.MAX_FRAMES", 20)
    durably = make_durably(tmp_path)
    async with reachable(durably) as client:
        reader, writer = await asyncio.open_connection(
            client.base_url.host, client.base_url.port, limit=1024
        )
        writer.write(
            f"GET {client.base_url.path}runs/subscribe HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        async with listening(client, "/runs/subscribe") as quick:
            # More than the socket's buffers hold, so that the server's queue has to.
            big = "x" * 1_000_000
            for number in range(60):
                _log(durably, f"{number}", big)
                await quick.until_type("log:write", number + 1)
        found = b""
        while b'"message":"59"' not in found:
            found = found[-1000:] + await reader.read(2**20)
            if b'"type":"gap","reason":"slow"' in found:
                break
        else:
            raise AssertionError("it was told of no gap")
        writer.close()
        await writer.wait_closed()


def _log(durably: Durably, message: str, data: str) -> None:
    durably._bus.emit(
        LogWrite(
            run_id="r",
            job_name="j",
            labels={},
            step_name=None,
            level="info",
            message=message,
            data=data,
            has_data=True,
        )
    )
