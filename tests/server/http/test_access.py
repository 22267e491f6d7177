"""Who may do what: tokens, hooks, other origins and other machines."""

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from support.plain_http import plain_client
from support.server import listening, make_durably, reachable, types

from durably_server import Auth, InvalidRequestError, Refused, Run, token_auth
from durably_server.engine.model import RunFilter
from durably_server.http.openapi import routes_of
from durably_server.http.requests import TriggerRequest
from durably_server.http.serving import ServingError, Tls, running_server
from durably_server.http.wire import Words

ECHO = {"jobName": "echo", "input": {"value": "x"}}
CERTIFICATES = Path(__file__).parents[2] / "support"
ROUTES = [(route.method, route.path) for route in routes_of(Words()) if not route.is_open]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# -- tokens ------------------------------------------------------------------------------------


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    auth = token_auth(["secret-one", "secret-two"], ["only-look"])
    async with reachable(make_durably(tmp_path), auth=auth) as client:
        yield client


async def test_without_a_token_every_route_is_closed(guarded: httpx.AsyncClient) -> None:
    for method, path in [*ROUTES, ("GET", "/nowhere"), ("PUT", "/runs")]:
        for headers in ({}, bearer("wrong"), {"Authorization": "Basic c2VjcmV0LW9uZQ=="}):
            answer = await guarded.request(method, path, headers=headers)
            assert answer.status_code == 401, path
            assert answer.json()["error"].startswith("The token ")
            assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_whether_it_lives_is_told_to_anybody(guarded: httpx.AsyncClient) -> None:
    assert (await guarded.get("/health/live")).json() == {"live": True}


@pytest.mark.parametrize("token", ["secret-one", "secret-two"])
async def test_a_token_opens_everything(guarded: httpx.AsyncClient, token: str) -> None:
    guarded.headers.update(bearer(token))
    run_id = (await guarded.post("/trigger", json=ECHO)).json()["runId"]
    async with listening(guarded, f"/subscribe?runId={run_id}") as frames:
        await frames.until_end()
    assert types(frames.events)[-1] == "run:complete"
    assert (await guarded.delete(f"/run?runId={run_id}")).status_code == 200
    assert (await guarded.get("/metrics")).status_code == 200


async def test_a_read_only_token_changes_nothing(guarded: httpx.AsyncClient) -> None:
    run_id = (await guarded.post("/trigger", json=ECHO, headers=bearer("secret-one"))).json()
    guarded.headers.update(bearer("only-look"))
    for method, path in ROUTES:
        if method == "GET" and "subscribe" not in path:
            answer = await guarded.request(method, path, params={"runId": run_id["runId"]})
            assert answer.status_code in (200, 400), path
        elif method != "GET":
            answer = await guarded.request(method, path, params=run_id, json=ECHO)
            assert (answer.status_code, answer.json()) == (
                403,
                {"error": "This token may only read"},
            )
    async with listening(guarded, "/runs/subscribe"):
        pass
    assert len((await guarded.get("/runs")).json()) == 1


async def test_tokens_are_not_logged_or_told(
    guarded: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with caplog.at_level(logging.DEBUG):
        refused = await guarded.get("/runs", headers=bearer("secret-onf"))
        await guarded.get("/runs", headers=bearer("secret-one"))
    assert "secret" not in caplog.text
    assert "secret" not in refused.text + str(refused.headers)
    assert "secret" not in repr(token_auth(["secret-one"]))


@pytest.mark.parametrize("tokens", [[], [""], [" x"], ["a\nb"], ["ä"], ["ok", ""]])
def test_tokens_that_no_header_can_carry_are_refused(tokens: list[str]) -> None:
    with pytest.raises(InvalidRequestError):
        token_auth(tokens)


# -- hooks -------------------------------------------------------------------------------------


def owner(request: Request) -> str:
    found = request.headers.get("x-owner")
    if found is None:
        raise Refused(401, "Say who you are")
    return found


async def may_trigger(context: str, asked: TriggerRequest) -> None:
    if asked.labels.get("owner") != context:
        raise Refused(403, "Label your runs with your name", [("X-Why", "label")])


def own_run(context: str, run: Run, operation: str) -> Response | None:
    if run.labels.get("owner") == context:
        return None
    return PlainTextResponse(f"not yours to {operation}", 404)


def own_runs(context: str, where: RunFilter) -> RunFilter:
    return replace(where, labels={**where.labels, "owner": context})


HOOKS: Auth[str] = Auth(
    authenticate=owner, on_trigger=may_trigger, on_run_access=own_run, scope_runs=own_runs
)


@pytest.fixture
async def hooked(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with reachable(make_durably(tmp_path), auth=HOOKS) as client:
        yield client


def by(name: str) -> dict[str, str]:
    return {"X-Owner": name}


async def made_by(client: httpx.AsyncClient, name: str) -> str:
    body = ECHO | {"labels": {"owner": name}}
    answer = await client.post("/trigger", json=body, headers=by(name))
    return str(answer.json()["runId"])


async def test_hooks_hide_the_runs_of_others(hooked: httpx.AsyncClient) -> None:
    anns = await made_by(hooked, "ann")
    async with listening(hooked, "/runs/subscribe", by("bob")) as bobs_stream:
        bobs = await made_by(hooked, "bob")
        await made_by(hooked, "ann")
        await bobs_stream.until_type("run:complete")
    assert {event["runId"] for event in bobs_stream.events} == {bobs}
    assert [run["id"] for run in (await hooked.get("/runs", headers=by("bob"))).json()] == [bobs]
    total = await hooked.get("/runs?total=true&limit=1", headers=by("ann"))
    assert total.headers["x-total-count"] == "2"
    for method, path, operation in (
        ("GET", "/run", "read"),
        ("GET", "/steps", "steps"),
        ("GET", "/logs", "logs"),
        ("GET", "/subscribe", "subscribe"),
        ("POST", "/retry", "retry"),
        ("POST", "/retrigger", "retrigger"),
        ("POST", "/cancel", "cancel"),
        ("DELETE", "/run", "delete"),
    ):
        answer = await hooked.request(method, f"{path}?runId={anns}", headers=by("bob"))
        assert (answer.status_code, answer.text) == (404, f"not yours to {operation}")
    assert (await hooked.get(f"/run?runId={anns}", headers=by("ann"))).status_code == 200


async def test_hooks_refuse_with_a_sentence(hooked: httpx.AsyncClient) -> None:
    nobody = await hooked.get("/runs")
    assert (nobody.status_code, nobody.json()) == (401, {"error": "Say who you are"})
    refused = await hooked.post("/trigger", json=ECHO, headers=by("ann"))
    assert refused.json() == {"error": "Label your runs with your name"}
    assert (refused.status_code, refused.headers["x-why"]) == (403, "label")
    assert (await hooked.get("/runs", headers=by("ann"))).json() == []
    unknown = await hooked.post("/trigger", json=ECHO | {"jobName": "no"}, headers=by("ann"))
    assert unknown.status_code == 404, "the job is looked up before the hook is asked"


async def test_what_tells_of_all_runs_is_closed_where_runs_are_hidden(
    hooked: httpx.AsyncClient,
) -> None:
    await made_by(hooked, "ann")
    for path in ("/stats", "/metrics", "/logs"):
        answer = await hooked.get(path, headers=by("bob"))
        assert answer.status_code == 403
        assert "tells of all runs" in answer.json()["error"]
    jobs = (await hooked.get("/jobs", headers=by("bob"))).json()
    assert {each["name"] for each in jobs} == {"echo", "fails", "steps"}
    assert all("counts" not in each for each in jobs)


async def test_a_scope_of_streams_goes_before_that_of_lists(tmp_path: Path) -> None:
    auth: Auth[None] = Auth(
        authenticate=lambda request: None,
        scope_runs=lambda context, where: replace(where, job_names=("fails",)),
        scope_runs_subscribe=lambda context, where: replace(where, job_names=("echo",)),
    )
    async with (
        reachable(make_durably(tmp_path), auth=auth) as client,
        listening(client, "/runs/subscribe?jobName=fails") as frames,
    ):
        await client.post("/trigger", json={"jobName": "fails", "input": {"message": "no"}})
        await client.post("/trigger", json=ECHO)
        await frames.until_type("run:complete")
        assert {event["jobName"] for event in frames.events} == {"echo"}
        assert {run["jobName"] for run in (await client.get("/runs")).json()} == {"fails"}


def raises_http(request: Request) -> None:
    raise HTTPException(418, "No coffee here", {"X-Pot": "tea"})


def gives_response(request: Request) -> Response:
    return PlainTextResponse("go away", 429, {"Retry-After": "60"})


def breaks(request: Request) -> None:
    raise ZeroDivisionError("secret")


@pytest.mark.parametrize(
    ("authenticate", "status", "text"),
    [
        (raises_http, 418, '{"error":"No coffee here"}'),
        (gives_response, 429, "go away"),
        (breaks, 500, '{"error":"The server could not answer this; its log says why"}'),
    ],
)
async def test_a_hook_may_refuse_as_it_likes(
    tmp_path: Path, authenticate: Callable[[Request], Any], status: int, text: str
) -> None:
    async with reachable(make_durably(tmp_path), auth=Auth(authenticate=authenticate)) as client:
        answer = await client.get("/runs")
    assert (answer.status_code, answer.text) == (status, text)


# -- other machines and other origins ----------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
async def test_other_machines_are_not_served_unasked(tmp_path: Path, host: str) -> None:
    durably = make_durably(tmp_path)
    with pytest.raises(ServingError, match=r"Other machines can reach .*give a token"):
        async with running_server(durably, host=host):
            pass
    assert not durably.running


async def test_other_machines_are_served_with_a_token_or_on_purpose(tmp_path: Path) -> None:
    options: list[dict[str, Any]] = [{"insecure": True}, {"auth": token_auth(["t"])}]
    for each in options:
        async with (
            running_server(make_durably(tmp_path), host="0.0.0.0", **each) as url,
            plain_client("", headers=bearer("t") | {"Host": "jobs.example"}) as client,
        ):
            local = url.replace("0.0.0.0", "127.0.0.1")
            assert (await client.get(f"{local}/runs")).json() == []


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil", "x"])
async def test_pages_of_other_sites_change_nothing_on_loopback(tmp_path: Path, origin: str) -> None:
    async with reachable(make_durably(tmp_path)) as client:
        headers = {"Origin": origin, "Content-Type": "text/plain"}
        answer = await client.post("/trigger", json=ECHO, headers=headers)
        assert answer.status_code == 403
        assert origin in answer.json()["error"]
        assert (await client.get("/runs", headers=headers)).json() == []
        for own in ("http://localhost:5173", "http://127.0.0.1"):
            answer = await client.post("/trigger", json=ECHO, headers={"Origin": own})
            assert answer.status_code == 200


async def test_other_origins_read_nothing_unless_they_are_named(tmp_path: Path) -> None:
    good, bad = {"Origin": "https://jobs.example"}, {"Origin": "https://evil.example"}
    preflight = {"Access-Control-Request-Method": "POST"}
    async with reachable(make_durably(tmp_path)) as client:
        answer = await client.get("/runs", headers=good)
        assert not any(name.startswith("access-control") for name in answer.headers)
        assert (await client.options("/trigger", headers=good | preflight)).status_code == 404
    async with reachable(
        make_durably(tmp_path), cors_origins=["https://jobs.example"], auth=token_auth(["t"])
    ) as client:
        asked = await client.options("/trigger", headers=good | preflight)
        assert asked.status_code == 200, "a browser asks without a token"
        assert asked.headers["access-control-allow-origin"] == "https://jobs.example"
        assert (await client.options("/trigger", headers=bad | preflight)).status_code == 400
        client.headers.update(bearer("t"))
        page = await client.get("/runs?limit=0&total=true", headers=good)
        assert page.headers["access-control-allow-origin"] == "https://jobs.example"
        assert "X-Total-Count" in page.headers["access-control-expose-headers"]
        assert (await client.post("/trigger", json=ECHO, headers=good)).status_code == 200
        assert "access-control-allow-origin" not in (await client.get("/runs", headers=bad)).headers
        async with listening(client, "/runs/subscribe", good):
            pass


async def test_https_with_the_files_that_are_given(tmp_path: Path) -> None:
    certificate = CERTIFICATES / "self_signed.pem"
    tls = Tls(certificate, CERTIFICATES / "self_signed_key.pem")
    async with (
        running_server(make_durably(tmp_path), tls=tls) as url,
        httpx.AsyncClient(verify=False, base_url=url) as client,
    ):
        assert url.startswith("https://")
        assert (await client.get("/runs")).json() == []


@pytest.mark.parametrize(
    ("tls", "sentence"),
    [
        (Tls(Path("nowhere.pem")), "no such file"),
        (Tls(Path(__file__)), "no certificate with its key"),
        (Tls(CERTIFICATES / "self_signed.pem", Path(__file__)), "no certificate with its key"),
    ],
)
async def test_tls_files_that_are_none_are_a_sentence(
    tmp_path: Path, tls: Tls, sentence: str
) -> None:
    durably = make_durably(tmp_path)
    with pytest.raises(ServingError, match=sentence):
        async with running_server(durably, tls=tls):
            pass
    assert not durably.running
