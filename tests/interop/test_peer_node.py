"""The Node server does what other tests trust it with, seen by plain httpx."""

from pathlib import Path

import httpx
import pytest
from support.hostile import HOSTILE
from support.node_server import NodeServer, NodeServerError
from support.plain_events import events_of, types
from support.plain_http import plain_client


async def test_node_lists_triggered_runs_newest_first(node_server: NodeServer) -> None:
    first = await node_server.trigger("echo", {"value": "a"}, labels={"env": "prod"})
    assert (await node_server.ended(first))["output"] == {"value": "a"}
    second = await node_server.trigger("fails", {"message": "disk is full"})
    assert (await node_server.ended(second))["error"] == "disk is full"
    async with plain_client(node_server.url) as http:
        runs = (await http.get("/runs")).json()
        assert [run["id"] for run in runs] == [second, first]
        labelled = (await http.get("/runs", params={"label.env": "prod"})).json()
        assert [run["id"] for run in labelled] == [first]


async def test_node_streams_a_run_while_it_runs(node_server: NodeServer) -> None:
    async with plain_client(node_server.url) as http, events_of(http, "/runs/subscribe") as events:
        run_id = await node_server.trigger("steps", {"count": 2, "delayMs": 20})
        seen = await events.until("run:complete")
    assert {event["runId"] for event in seen} == {run_id}
    assert set(types(seen)) == {
        *("run:trigger", "run:leased", "run:progress", "run:complete"),
        *("step:start", "step:complete", "log:write"),
    }
    assert seen[-1]["type"] == "run:complete"


async def test_node_retriggers_cancels_and_deletes(node_server: NodeServer) -> None:
    failed = await node_server.trigger("flaky", {"fail": True})
    assert (await node_server.ended(failed))["status"] == "failed"
    async with plain_client(node_server.url) as http:
        again = (await http.post("/retrigger", params={"runId": failed})).json()["runId"]
        assert again != failed
        assert (await node_server.ended(again))["input"] == {"fail": True}

        async with events_of(http, "/runs/subscribe") as events:
            long = await node_server.trigger("steps", {"count": 1000, "delayMs": 30})
            await events.until("step:complete", long)
            conflict = await http.delete("/run", params={"runId": long})
            assert conflict.status_code == 409
            assert (await http.post("/cancel", params={"runId": long})).json() == {"success": True}
            await events.until("run:cancel", long)
            assert (await http.delete("/run", params={"runId": long})).status_code == 200
            await events.until("run:delete", long)
        assert (await http.get("/run", params={"runId": long})).status_code == 404


async def test_node_flaky_succeeds_once_its_file_is_there(
    node_server: NodeServer, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    run_id = await node_server.trigger("flaky", {"until": str(ready)})
    assert (await node_server.ended(run_id))["error"] == "not this time"
    ready.touch()
    run_id = await node_server.trigger("flaky", {"until": str(ready)})
    assert (await node_server.ended(run_id))["output"] == {"ok": True}


async def test_node_noisy_writes_every_line(node_server: NodeServer) -> None:
    async with (
        plain_client(node_server.url) as http,
        events_of(http, "/runs/subscribe", jobName="noisy") as events,
    ):
        await node_server.trigger("noisy", {"lines": 300})
        seen = await events.until("run:complete")
    logs = [event for event in seen if event["type"] == "log:write"]
    assert [log["data"]["line"] for log in logs] == list(range(300))
    assert {log["level"] for log in logs} == {"info", "warn", "error"}


async def test_node_hands_hostile_text_on_untouched(node_server: NodeServer) -> None:
    # A lone surrogate cannot be sent as UTF-8 at all.
    text = "\n".join(HOSTILE).encode(errors="ignore").decode()
    assert "\x1b" in text
    assert "\0" in text
    async with plain_client(node_server.url) as http, events_of(http, "/runs/subscribe") as events:
        await node_server.trigger("hostile", {"text": text})
        seen = await events.until("run:fail")
    logs = [event for event in seen if event["type"] == "log:write"]
    assert [log["level"] for log in logs] == ["info", "warn", "error"]
    assert {log["message"] for log in logs} == {log["stepName"] for log in logs} == {text}
    assert logs[0]["data"] == {text: text}
    progress = next(event for event in seen if event["type"] == "run:progress")
    assert progress["progress"]["message"] == text
    assert next(event for event in seen if event["type"] == "step:fail")["error"] == text


async def test_node_forgets_its_steps_unless_told_to_keep_them(
    require_node: None, tmp_path: Path
) -> None:
    for preserve, kept in ((False, 0), (True, 3)):
        path = tmp_path / f"{preserve}.db"
        async with (
            NodeServer(path, preserve_steps=preserve) as server,
            plain_client(server.url) as http,
        ):
            run_id = await server.trigger("steps", {"count": 3})
            await server.ended(run_id)
            assert len((await http.get("/steps", params={"runId": run_id})).json()) == kept


async def test_node_killed_and_restarted_keeps_and_resumes_its_runs(
    require_node: None, tmp_path: Path
) -> None:
    async with NodeServer(
        tmp_path / "node.db", lease_ms=300, lease_renew_interval_ms=100, preserve_steps=True
    ) as server:
        url = server.url
        done = await server.trigger("echo", {"value": "kept"})
        await server.ended(done)
        async with plain_client(url) as http:
            async with events_of(http, "/runs/subscribe") as events:
                run_id = await server.trigger("steps", {"count": 3, "delayMs": 100})
                await events.until("step:complete", run_id)
                await server.kill()
                with pytest.raises(httpx.RemoteProtocolError):
                    await events.until("run:complete", run_id)
            with pytest.raises(httpx.ConnectError):
                await http.get("/runs")

        await server.restart()
        assert server.url == url
        assert (await server.ended(run_id))["output"] == {"done": 3}
        async with plain_client(url) as http:
            runs = (await http.get("/runs")).json()
            assert [run["id"] for run in runs] == [run_id, done]
            steps = (await http.get("/steps", params={"runId": run_id})).json()
            assert [step["name"] for step in steps] == ["step-0", "step-1", "step-2"]


async def test_node_says_why_it_does_not_start(node_server: NodeServer, tmp_path: Path) -> None:
    second = NodeServer(tmp_path / "other.db", port=node_server.port)
    with pytest.raises(NodeServerError, match="EADDRINUSE"):
        await second.start()
    assert not second.running
