"""What the server tells of itself: routes, jobs, logs, figures, health; and pages of runs."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.plain_http import plain_client
from support.server import RECORDED_JOBS, listening, make_durably, reachable

from durably_server import Durably, Step, create_durably_handler, job
from durably_server.http.metrics import Histogram, _line
from durably_server.http.openapi import document, routes_of
from durably_server.http.routes import ROUTES
from durably_server.http.serving import serving
from durably_server.http.wire import Words
from durably_server.http.wire08 import Words08


@pytest.fixture
async def durably(tmp_path: Path) -> Durably:
    return make_durably(tmp_path)


@pytest.fixture
async def client(durably: Durably) -> AsyncIterator[httpx.AsyncClient]:
    async with reachable(durably) as found:
        yield found


async def done(client: httpx.AsyncClient, job_name: str = "echo", **more: Any) -> str:
    """A run that has ended."""
    input: dict[str, Any] = {"echo": {"value": "x"}, "fails": {"message": "no"}}[job_name]
    body = {"jobName": job_name, "input": input} | more
    run_id = (await client.post("/trigger", json=body)).json()["runId"]
    async with listening(client, f"/subscribe?runId={run_id}") as frames:
        await frames.until_end()
    return str(run_id)


# -- itself ------------------------------------------------------------------------------------


async def test_the_base_path_says_what_is_there(client: httpx.AsyncClient) -> None:
    for path in ("", "/"):
        about = (await client.get(path)).json()
        assert about["name"] == "durably-server"
        assert about["generation"] == "0.15"
        assert about["version"] != "unknown"
        assert {"retry", "retrigger", "jobs", "logs", "stats", "cursor"} <= set(about["features"])


@pytest.mark.parametrize("words", [Words(), Words08()])
def test_the_document_has_every_route_and_parameter(words: Words) -> None:
    paths = document(words, "/api")["paths"]
    routes = routes_of(words)
    documented = {(method.upper(), path) for path, ways in paths.items() for method in ways}
    assert documented == {(route.method, route.path or "/") for route in routes}
    for route in routes:
        operation = paths[route.path or "/"][route.method.lower()]
        assert [each["name"] for each in operation["parameters"]] == [
            each.name for each in words.parameters(route.parameters)
        ]
        assert "200" in operation["responses"]
        assert ("requestBody" in operation) == (route.body is not None)


def test_every_reference_of_the_document_is_there() -> None:
    whole = document(Words(), "", RECORDED_JOBS)
    names = set(re.findall(r"#/components/schemas/([\w.]+)'", str(whole)))
    assert names <= set(whole["components"]["schemas"])
    assert {"Run", "Step", "Log", "Job", "Stats", "Error", "TriggerRequest"} <= names


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [route.name for route in ROUTES]
    assert len(set(names)) == len(names)


async def test_the_document_knows_where_it_is(tmp_path: Path, client: httpx.AsyncClient) -> None:
    assert (await client.get("/openapi.json")).json()["servers"] == [{"url": "/api/durably"}]


@pytest.mark.parametrize("route", [route for route in ROUTES if route.own], ids=lambda r: r.name)
async def test_own_routes_refuse_what_they_do_not_know(
    client: httpx.AsyncClient, route: Any
) -> None:
    answer = await client.request(route.method, f"{route.path}?colour=red")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith('Unknown parameter "colour": this route takes ')


async def test_durablys_routes_pass_over_what_they_do_not_know(client: httpx.AsyncClient) -> None:
    assert (await client.get("/runs?colour=red&_=12345")).json() == []


# -- jobs and figures --------------------------------------------------------------------------


async def test_jobs_with_their_schemas_and_counts(client: httpx.AsyncClient) -> None:
    await done(client)
    await done(client, "fails")
    jobs = {each["name"]: each for each in (await client.get("/jobs")).json()}
    assert list(jobs) == ["echo", "fails", "steps"]
    echo = jobs["echo"]
    assert echo["inputSchema"]["properties"]["value"]["type"] == "string"
    assert echo["inputSchema"]["required"] == ["value"]
    assert echo["outputSchema"]["properties"].keys() == {"value"}
    zero = {"pending": 0, "leased": 0, "completed": 0, "failed": 0, "cancelled": 0}
    assert echo["counts"] == zero | {"completed": 1}
    assert jobs["fails"]["counts"] == zero | {"failed": 1}
    assert jobs["steps"]["counts"] == zero
    assert jobs["steps"]["lastRunAt"] is None


async def test_a_job_is_described_by_its_docstring(tmp_path: Path) -> None:
    @job(
        "told",
    )
    async def told(step: Step, input: int) -> list[str]:
        """Says things."""
        return []

    async with reachable(make_durably(tmp_path, told)) as client:
        (only,) = (await client.get("/jobs")).json()
    assert only["description"] == "Says things."
    assert only["inputSchema"] == {"type": "integer"}
    assert only["outputSchema"] == {"type": "array", "items": {"type": "string"}}


async def test_figures_over_a_window(client: httpx.AsyncClient) -> None:
    for _ in range(3):
        await done(client)
    await done(client, "fails")
    stats = (await client.get("/stats?window=5m")).json()
    assert stats["window"] == 300
    jobs = {each["jobName"]: each for each in stats["jobs"]}
    assert (jobs["echo"]["completed"], jobs["fails"]["failed"]) == (3, 1)
    assert jobs["echo"]["ratePerMinute"] == pytest.approx(3 / 5)
    assert 0 <= jobs["echo"]["durationMs"]["p50"] <= jobs["echo"]["durationMs"]["p95"] < 10_000
    assert jobs["fails"]["durationMs"] == {"p50": None, "p95": None}
    assert (await client.get("/stats")).json()["window"] == 3600
    assert (await client.get("/stats?window=1d")).json()["window"] == 86_400


# -- logs --------------------------------------------------------------------------------------


async def test_log_lines_of_all_runs_and_of_some(client: httpx.AsyncClient) -> None:
    failed = await done(client, "fails")
    body = {"jobName": "steps", "input": {"count": 3}}
    run_id = (await client.post("/trigger", json=body)).json()["runId"]
    async with listening(client, f"/subscribe?runId={run_id}") as frames:
        await frames.until_end()

    async def messages(query: str) -> list[str]:
        return [each["message"] for each in (await client.get(f"/logs{query}")).json()]

    finished = [f"finished step {n}" for n in range(3)]
    assert await messages("") == ["about to fail", *finished]
    assert await messages("?level=warn") == ["about to fail"]
    assert await messages("?level=warn&level=info&jobName=steps") == finished
    assert await messages(f"?runId={failed}") == ["about to fail"]
    assert await messages("?limit=2") == finished[1:]
    assert await messages("?limit=0") == []
    first = (await client.get("/logs")).json()[0]
    assert (first["runId"], first["jobName"], first["level"]) == (failed, "fails", "warn")
    assert await messages(f"?after={first['id']}&limit=2") == finished[:2]
    last = (await client.get("/logs")).json()[-1]
    assert await messages(f"?before={last['id']}&limit=2") == finished[:2], (
        "backwards, page by page"
    )
    assert await messages(f"?before={first['id']}") == []
    assert await messages(f"?after={first['id']}&before={last['id']}") == finished[:2]


# -- health and metrics ------------------------------------------------------------------------


async def test_a_server_that_works_is_live_and_ready(client: httpx.AsyncClient) -> None:
    live, ready, both = [
        await client.get(path) for path in ("/health/live", "/health/ready", "/health")
    ]
    assert (live.status_code, live.json()) == (200, {"live": True})
    expected = {"ready": True, "database": "ok", "worker": "running"}
    assert (ready.status_code, ready.json()) == (200, expected)
    assert (both.status_code, both.json()) == (200, expected | {"live": True})


async def test_a_server_without_its_database_is_live_but_not_ready(
    client: httpx.AsyncClient, durably: Durably, monkeypatch: Any
) -> None:
    from durably_server import StoreError

    async def broken(**_: Any) -> None:
        raise StoreError("The database is locked: try again.")

    monkeypatch.setattr(durably, "get_runs", broken)
    ready = await client.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json()["database"] == "The database is locked: try again."
    assert (await client.get("/health")).status_code == 503
    assert (await client.get("/health/live")).status_code == 200


async def test_a_server_that_stops_is_live_but_not_ready(tmp_path: Path) -> None:
    durably = make_durably(tmp_path)
    handler = create_durably_handler(durably, start_worker=False)
    async with serving(handler) as url, plain_client(url) as client:
        assert (await client.get("/health/ready")).json()["worker"] == "elsewhere"
        handler.hub.close()
        assert (await client.get("/health/live")).status_code == 200
        assert (await client.get("/health/ready")).status_code == 503
        refused = await client.get("/runs")
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
    await durably.stop()


_SAMPLE = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9.e+-]+')


async def test_metrics_in_prometheus_words(client: httpx.AsyncClient) -> None:
    await done(client)
    await done(client, "fails")
    async with listening(client, "/runs/subscribe"):
        answer = await client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    assert answer.text.endswith("\n")
    samples = [line for line in lines if not line.startswith("#")]
    assert [line for line in samples if not _SAMPLE.fullmatch(line)] == []
    for line in (
        'durably_runs{job="echo",status="completed"} 1',
        'durably_runs_ended_total{job="fails",status="failed"} 1',
        'durably_run_duration_seconds_bucket{job="echo",le="+Inf"} 1',
        'durably_run_duration_seconds_count{job="echo"} 1',
        'durably_events_total{type="run:trigger"} 2',
        'durably_http_requests_total{method="POST",route="/trigger",status="200"} 2',
        "durably_streams 1",
        "durably_worker_running 1",
    ):
        assert line in samples
    typed = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(set(typed)) == len(typed)


def test_durations_that_add_up_to_whole_seconds_are_shown() -> None:
    durations = Histogram()
    for seconds in (0.0, 0.25, 0.75):
        durations.observe("echo", seconds)
    lines = [_line(*sample) for sample in durations.samples("took")]
    assert lines[0] == 'took_bucket{job="echo",le="0.01"} 1'
    assert lines[-2:] == ['took_sum{job="echo"} 1', 'took_count{job="echo"} 3']


async def test_a_jobs_name_cannot_break_the_metrics(tmp_path: Path) -> None:
    @job('a"b\\c\nd')
    async def odd(step: Step, input: None) -> None:
        return None

    async with reachable(make_durably(tmp_path, odd)) as client:
        text = (await client.get("/metrics")).text
    assert r'durably_runs{job="a\"b\\c\nd",status="pending"} 0' in text.splitlines()


# -- pages of runs -----------------------------------------------------------------------------


@pytest.fixture
async def filled(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Seven runs, all of one millisecond, that nobody executes."""
    durably = Durably(
        f"sqlite:///{tmp_path / 'filled.db'}", jobs=RECORDED_JOBS, clock=lambda: 1_700_000_000_000
    )
    handler = create_durably_handler(durably, start_worker=False)
    async with serving(handler) as url, plain_client(url) as client:
        for n in range(7):
            labels = {"half": "first" if n < 3 else "second"}
            # No id, which is searched as well, has an o or an l in it.
            body = {"jobName": "echo", "input": {"value": f"vol{n}"}, "labels": labels}
            await client.post("/trigger", json=body)
        yield client
    await durably.stop()


async def test_pages_by_cursor_have_every_run_once(filled: httpx.AsyncClient) -> None:
    every = [run["id"] for run in (await filled.get("/runs")).json()]
    assert len(set(every)) == 7
    found: list[str] = []
    params: dict[str, Any] = {"limit": 3}
    pages = 0
    while True:
        answer = await filled.get("/runs", params=params)
        found += [run["id"] for run in answer.json()]
        pages += 1
        if "x-next-after" not in answer.headers:
            break
        params["after"] = answer.headers["x-next-after"]
    assert (pages, found) == (3, every)


async def test_a_page_that_is_exactly_full_is_the_last(filled: httpx.AsyncClient) -> None:
    assert "x-next-after" not in (await filled.get("/runs?limit=7")).headers
    assert "x-next-after" in (await filled.get("/runs?limit=6")).headers
    assert "x-next-after" not in (await filled.get("/runs")).headers
    empty = await filled.get("/runs?limit=0")
    assert (empty.json(), "x-next-after" in empty.headers) == ([], False)


async def test_the_total_is_of_all_pages_and_only_on_request(filled: httpx.AsyncClient) -> None:
    answer = await filled.get("/runs?limit=2&total=true&label.half=second")
    assert (len(answer.json()), answer.headers["x-total-count"]) == (2, "4")
    for query in ("", "?total=false"):
        assert "x-total-count" not in (await filled.get(f"/runs{query}")).headers


async def test_runs_by_text_and_time(filled: httpx.AsyncClient) -> None:
    async def count(**params: str) -> int:
        answer = await filled.get("/runs", params=params)
        assert answer.status_code == 200, answer.text
        return len(answer.json())

    assert await count(search="vol3") == 1
    assert await count(search="VOL") == 7
    assert await count(search="%") == 0
    assert await count(createdAfter="2023-11-14T22:13:20.000Z") == 7
    assert await count(createdAfter="2023-11-14T22:13:20.001Z") == 0
    assert await count(createdBefore="2023-11-14T22:13:20Z") == 0
    assert await count(createdBefore="2023-11-14T23:13:21+01:00") == 7
    assert await count(search="") == 7


async def test_many_ask_at_once(client: httpx.AsyncClient) -> None:
    await done(client)
    paths = [route.path for route in ROUTES if route.own and route.method == "GET"]
    answers = await asyncio.gather(*(client.get(path) for path in paths * 5))
    assert {answer.status_code for answer in answers} == {200}
