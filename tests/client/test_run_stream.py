"""The stream of one run over real sockets: it ends with the run."""

import pytest
from support.hand_clock import HandClock
from support.recordings import exchange
from support.replay08 import replay08
from support.scripted_stream import run_answer, run_event, says, scripted, sends, watching

from durably_tui.client import DurablyClient
from durably_tui.protocol import NotFound, Phase, RunStatus, Trigger


@pytest.mark.parametrize("word", ["run:complete", "run:fail", "run:cancel"])
async def test_a_run_that_is_over_is_not_opened_again(word: str) -> None:
    async with (
        scripted(sends(run_event(word))) as peer,
        DurablyClient(peer.url, abilities="0.15") as client,
        watching(client.subscribe("a")) as watch,
    ):
        last = await watch.end()

    assert [event.type for event in watch.events] == [word]
    assert last.connection.error is None
    assert len(peer.requests) == 1
    assert watch.phases == [Phase.LIVE, Phase.ENDED]


async def test_a_deleted_run_ends_its_stream_though_the_server_does_not() -> None:
    async with (
        scripted(sends(run_event("run:delete"), hang=True)) as peer,
        DurablyClient(peer.url, abilities="0.15") as client,
        watching(client.subscribe("a")) as watch,
    ):
        await watch.end()

    assert [event.type for event in watch.events] == ["run:delete"]


async def test_a_run_that_is_not_there_ends_its_stream_with_the_reason() -> None:
    gone = says(404, "application/json", b'{"error":"Run not found"}')
    async with (
        scripted(gone) as peer,
        DurablyClient(peer.url, abilities="0.15") as client,
        watching(client.subscribe("nope")) as watch,
    ):
        last = await watch.end()

    assert isinstance(last.connection.error, NotFound)
    assert last.connection.epoch == 0


async def test_a_run_whose_stream_drops_before_its_end_is_opened_again() -> None:
    clock = HandClock()
    scripts = (sends(run_event("run:leased")), sends(run_event("run:complete")))
    async with (
        scripted(*scripts) as peer,
        DurablyClient(peer.url, abilities="0.15", pace=clock.pace()) as client,
        watching(client.subscribe("a")) as watch,
    ):
        await clock.sleep_out(0.25)
        last = await watch.end()

    assert [event.type for event in watch.events] == ["run:leased", "run:complete"]
    assert last.connection.epoch == 2


async def test_a_retry_after_the_end_makes_a_drop_a_drop_again() -> None:
    clock = HandClock()
    scripts = (
        sends(run_event("run:fail") + run_event("run:retry")),
        sends(run_event("run:complete")),
    )
    async with (
        scripted(*scripts, answer=run_answer("pending")) as peer,
        DurablyClient(peer.url, abilities="0.8", pace=clock.pace()) as client,
        watching(client.subscribe("a")) as watch,
    ):
        await clock.sleep_out(0.25)
        await watch.end()

    assert [event.type for event in watch.events] == ["run:fail", "run:retry", "run:complete"]


async def test_an_old_server_is_silent_about_a_completed_run_so_the_run_is_looked_at() -> None:
    clock = HandClock()
    completed = exchange("v0.8", "run-completed").body["id"]
    async with (
        replay08(work=False) as peer,
        DurablyClient(peer.url, pace=clock.pace()) as client,
        watching(client.subscribe(completed)) as watch,
    ):
        await clock.asleep(1.0)  # what is under way may still come
        await clock.advance(1.0)
        last = await watch.end()

    assert last.connection.error is None
    assert watch.events == []


async def test_an_old_server_is_silent_about_a_run_that_is_not_there() -> None:
    async with (
        replay08(work=False) as peer,
        DurablyClient(peer.url) as client,
        watching(client.subscribe("nope")) as watch,
    ):
        last = await watch.end()

    assert isinstance(last.connection.error, NotFound)


async def test_a_failed_run_of_an_old_server_stays_watched_until_its_stream_drops() -> None:
    failed = exchange("v0.8", "run-failed").body["id"]
    async with (
        replay08() as peer,
        DurablyClient(peer.url) as client,
        watching(client.subscribe(failed)) as watch,
    ):
        await watch.phase(Phase.LIVE)
        await peer.streams_open(1)
        await client.retry(failed)
        await watch.until(lambda w: "run:fail" in [e.type for e in w.events])
        assert "run:retry" in [event.type for event in watch.events]
        peer.cut_connections()
        await watch.end()


async def test_a_living_run_from_its_trigger_to_its_end() -> None:
    async with replay08() as peer, DurablyClient(peer.url) as client:
        trigger = Trigger(job_name="steps", input={"count": 2, "delayMs": 50})
        run_id = (await client.trigger(trigger)).run_id
        types = [event.type async for event in client.subscribe(run_id)]
        run = await client.get_run(run_id)

    assert types[-1] == "run:complete"
    assert run is not None
    assert run.status is RunStatus.COMPLETED
