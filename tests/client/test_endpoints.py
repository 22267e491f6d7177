"""Every endpoint, against the recordings of 0.15 and a living 0.8."""

import subprocess
import sys

import pytest
from pydantic import BaseModel
from support import bad_servers as bad
from support.recorded_server import recorded_server
from support.recordings import exchange
from support.replay08 import replay08

from durably_tui.client import DurablyClient
from durably_tui.protocol import (
    Conflict,
    Disposition,
    NotADurablyServer,
    NotFound,
    RefusedInput,
    RunsQuery,
    RunStatus,
    Trigger,
)

RUN_ID = exchange("v0.15", "run-active").body["id"]
FAILED_ID = exchange("v0.15", "run-failed").body["id"]


async def test_reading_a_new_server() -> None:
    async with recorded_server("v0.15") as peer, DurablyClient(peer.url) as client:
        page = await client.get_runs(RunsQuery(limit=3))
        run = await client.get_run(RUN_ID)
        steps = await client.get_steps(RUN_ID)

        assert [r.id for r in page] == [r["id"] for r in exchange("v0.15", "runs-page-1").body]
        assert run is not None
        assert run.status is RunStatus.RUNNING
        assert [step.name for step in steps] == ["step-0"]
        with pytest.raises(NotFound, match="Run not found"):
            await client.get_steps("nope")


async def test_a_run_that_is_not_there_is_none_on_both_generations() -> None:
    async with recorded_server("v0.15") as peer, DurablyClient(peer.url) as client:
        deleted = exchange("v0.15", "run-deleted").path.partition("=")[2]
        # the first recorded answer for this path is the run before it was deleted
        assert await client.get_run(deleted) is not None
    async with replay08() as old, DurablyClient(old.url) as client:
        assert await client.get_run("nope") is None
        assert await client.get_steps("nope") == []


async def test_a_404_that_is_not_durablys_is_no_missing_run() -> None:
    async with bad.not_found_text() as peer, DurablyClient(peer.url) as client:
        with pytest.raises(NotADurablyServer):
            await client.get_run("a")


async def test_acting_on_a_new_server() -> None:
    async with recorded_server("v0.15") as peer, DurablyClient(peer.url) as client:
        triggered = await client.trigger(Trigger(job_name="echo", input={"value": "hi"}))
        assert triggered.disposition is Disposition.CREATED
        assert (
            await client.retrigger(FAILED_ID) == exchange("v0.15", "retrigger-failed").body["runId"]
        )
        await client.cancel(exchange("v0.15", "cancel-active").path.partition("=")[2])
        with pytest.raises(Conflict, match="Cannot cancel completed run"):
            await client.cancel(RUN_ID)
        with pytest.raises(Conflict, match="Cannot delete leased run"):
            await client.delete_run(RUN_ID)
        with pytest.raises(NotFound):
            await client.delete_run("nope")
        sent = [request for request in peer.requests if request.path.endswith("/trigger")]
        assert sent[0].body == b'{"jobName":"echo","input":{"value":"hi"}}'
        assert sent[0].headers["content-type"] == "application/json"


async def test_an_action_that_the_generation_does_not_have() -> None:
    async with (
        recorded_server("v0.15") as new,
        DurablyClient(new.url, abilities="0.15") as client,
    ):
        with pytest.raises(Conflict, match="this server has no /retry; retrigger it"):
            await client.retry(FAILED_ID)
    async with replay08() as old, DurablyClient(old.url) as client:
        with pytest.raises(Conflict, match="this server has no /retrigger; retry it"):
            await client.retrigger("a")
        assert client.abilities.retrigger is False


async def test_an_action_at_a_wrong_address() -> None:
    async with bad.not_found_text() as peer, DurablyClient(peer.url) as client:
        with pytest.raises(NotADurablyServer):
            await client.retry("a")


async def test_an_old_server_from_trigger_to_delete() -> None:
    async with replay08() as peer, DurablyClient(peer.url) as client:
        run_id = ""
        async for batch in client.subscribe_runs().batches():
            if not run_id:  # the stream is open, so nothing of the run will be missed
                trigger = Trigger(job_name="fails", input={"message": "no"})
                run_id = (await client.trigger(trigger)).run_id
            if any(event.type == "run:fail" for event in batch.events):
                break
        await client.retry(run_id)

        steps = Trigger(job_name="steps", input={"count": 50, "delayMs": 200})
        run_id = (await client.trigger(steps)).run_id
        with pytest.raises(Conflict, match="Cannot delete"):
            await client.delete_run(run_id)
        await client.cancel(run_id)
        await client.delete_run(run_id)
        assert await client.get_run(run_id) is None
        with pytest.raises(NotFound, match="Job not found: nope"):
            await client.trigger(Trigger(job_name="nope"))
        with pytest.raises(RefusedInput, match="Invalid input"):
            await client.trigger(Trigger(job_name="echo", input={"value": 3}))


async def test_everything_of_a_trigger_is_sent_and_models_are_plain_data() -> None:
    class Input(BaseModel):
        path: str

    async with (
        bad.canned(200, "application/json", '{"runId":"a"}') as peer,
        DurablyClient(peer.url) as client,
    ):
        await client.trigger(
            Trigger(
                job_name="j",
                input=Input(path="x"),
                labels={"env": "prod"},
                idempotency_key="i",
                concurrency_key="c",
                coalesce="skip",
            )
        )

    assert peer.requests[0].body == (
        b'{"jobName":"j","input":{"path":"x"},"labels":{"env":"prod"},'
        b'"idempotencyKey":"i","concurrencyKey":"c","coalesce":"skip"}'
    )


async def test_credentials_are_sent_and_ids_are_quoted() -> None:
    async with bad.not_found_text() as peer:
        url = peer.url.replace("://", "://ann:secret@")
        async with DurablyClient(url, headers={"X-Team": "ops-team"}) as client:
            with pytest.raises(NotADurablyServer) as caught:
                await client.get_run("a&b=c'\0/é")

    [request] = peer.requests
    assert request.headers["authorization"].startswith("Basic ")
    assert request.headers["x-team"] == "ops-team"
    assert request.path.endswith("/run?runId=a%26b%3Dc%27%00%2F%C3%A9")
    assert "secret" not in str(caught.value)
    assert repr(client) == f"DurablyClient('{peer.url}')"


async def test_a_proxy_of_the_environment_is_not_asked_for_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with bad.closed_port() as nowhere:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{nowhere.port}")
        async with bad.plain_http() as peer, DurablyClient(peer.url) as client:
            assert await client.get_runs() == []


def test_importing_the_client_is_cheap() -> None:
    check = (
        "import sys, durably_tui.client; "
        "print([m for m in ('httpx', 'httpx_sse', 'rich', 'click', 'textual', "
        "'durably_tui.state') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
