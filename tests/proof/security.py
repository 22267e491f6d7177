"""``make security``: who may do what, what is no proper request, and that no secret gets out.

Each table is driven from the server's own routes: one that is added without a rule here fails.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
from starlette.requests import Request
from support.server import make_durably, reachable

from durably_server import Auth, Refused, Run, token_auth
from durably_server.engine.model import RunFilter
from durably_server.http.openapi import routes_of
from durably_server.http.routes import EVENT_STREAM, Route
from durably_server.http.wire import Words
from durably_server.http.wire08 import Words08
from tests.proof.report import Check, Trial, main
from tests.proof.security_hostile import hostile_text
from tests.proof.security_secrets import no_secret_gets_out
from tests.proof.security_shapes import oversized, smuggling

GENERATIONS: dict[str, type[Words]] = {"0.15": Words, "0.8": Words08}
ECHO = {"jobName": "echo", "input": {"value": "x"}}

OPEN, READ, WRITE = "open", "read", "write"
ONE, LIST, STREAM, ALL, NONE = "one run", "a list", "a stream", "all runs", "no run"
RULES: dict[str, tuple[str, str]] = {
    "about": (READ, NONE),
    "runs": (READ, LIST),
    "run": (READ, ONE),
    "steps": (READ, ONE),
    "trigger": (WRITE, NONE),
    "retry": (WRITE, ONE),
    "retrigger": (WRITE, ONE),
    "cancel": (WRITE, ONE),
    "delete": (WRITE, ONE),
    "subscribe": (READ, ONE),
    "subscribe_runs": (READ, STREAM),
    "jobs": (READ, NONE),
    "logs": (READ, ALL),
    "stats": (READ, ALL),
    "health": (READ, NONE),
    "live": (OPEN, NONE),
    "ready": (READ, NONE),
    "metrics": (READ, ALL),
    "openapi": (READ, NONE),
}
"""By the name of a route: who may ask for it at all, and what of it a scope has to hide."""


def routes(generation: str) -> list[Route]:
    """The routes of a generation, each of which must have a rule."""
    found = routes_of(GENERATIONS[generation]())
    without = {route.name for route in found} - RULES.keys()
    if without:
        raise AssertionError(f"routes without a rule in tests/proof/security.py: {without}")
    return found


async def ask(client: httpx.AsyncClient, route: Route, run_id: str, **options: Any) -> int:
    """The status of a request to a route; a stream is left once it is open."""
    params = {"runId": run_id} if any(p.name == "runId" for p in route.parameters) else {}
    body = {"json": ECHO} if route.body else {}
    async with client.stream(
        route.method, route.path or "/", params=params, **body, **options
    ) as answer:
        if route.answer != EVENT_STREAM or answer.status_code != 200:
            await answer.aread()
        return answer.status_code


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


STRANGERS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a wrong token": {"headers": bearer("wrong")},
    "a part of the token": {"headers": bearer("all-of-i")},
    "more than the token": {"headers": bearer("all-of-it2")},
    "basic": {"headers": {"Authorization": "Basic YWxsLW9mLWl0"}},
    "no scheme": {"headers": {"Authorization": "all-of-it"}},
    "an empty token": {"headers": {"Authorization": "Bearer"}},
    "a cookie": {"headers": {"Cookie": "token=all-of-it; Authorization=Bearer all-of-it"}},
    "a header of a proxy": {"headers": {"X-Forwarded-User": "root", "X-Real-IP": "127.0.0.1"}},
}


async def tokens(trial: Trial) -> str:
    """No token, wrong ones, one that only reads, one for everything: on every route and stream."""
    cells = 0
    for generation in GENERATIONS:
        auth = token_auth(["all-of-it"], ["only-read"])
        durably = make_durably(_folder(trial, generation))
        async with reachable(durably, auth=auth, generation=generation) as client:
            made = await client.post("/trigger", json=ECHO, headers=bearer("all-of-it"))
            run_id = made.json()["runId"]
            for route in routes(generation):
                who, _ = RULES[route.name]
                at = f"{generation} {route.method} {route.path}"
                for stranger, options in STRANGERS.items():
                    status = await ask(client, route, run_id, **options)
                    wanted = 200 if who == OPEN else 401
                    trial.expect(status == wanted, f"{at} with {stranger}: {status}")
                    cells += 1
                status = await ask(client, route, run_id, headers=bearer("only-read"))
                refused = status == 403
                trial.expect(refused == (who == WRITE), f"{at} with a reading token: {status}")
                status = await ask(client, route, run_id, headers=bearer("all-of-it"))
                trial.expect(status not in (401, 403), f"{at} with the token: {status}")
                cells += 2
            for method, path in (("GET", "/nowhere"), ("PUT", "/runs"), ("POST", "/../runs")):
                status = (await client.request(method, path)).status_code
                trial.expect(status == 401, f"{generation} {method} {path}: {status}")
    return f"{cells} cells"


def _folder(trial: Trial, name: str) -> Any:
    folder = trial.folder / name
    folder.mkdir()
    return folder


def _owner(request: Request) -> str:
    found = request.headers.get("x-owner")
    if found is None:
        raise Refused(401, "Say who you are")
    return found


OWN_JOB = {"ann": "fails", "bob": "echo"}
"""Whose runs are whose; by job, since runs of 0.8 have no labels."""


def _own_run(owner: str, run: Run, operation: str) -> None:
    if run.job_name != OWN_JOB[owner]:
        raise Refused(404, "Run not found")


def _own_runs(owner: str, where: RunFilter) -> RunFilter:
    return replace(where, job_names=(OWN_JOB[owner],))


SCOPED: Auth[str] = Auth(authenticate=_owner, on_run_access=_own_run, scope_runs=_own_runs)


async def scopes(trial: Trial) -> str:
    """What one person may not see, no route and no stream tells, whatever is asked of it."""
    cells = 0
    secret = "MARK-of-ann-7f3a"
    for generation in GENERATIONS:
        durably = make_durably(_folder(trial, generation), polling_interval=0.02)
        async with reachable(durably, auth=SCOPED, generation=generation) as client:
            anns = {"jobName": "fails", "input": {"message": secret}}
            bobs = {"jobName": "echo", "input": {"value": "b"}}
            as_bob = {"headers": {"X-Owner": "bob"}}

            async def trigger(body: Any, owner: str, client: httpx.AsyncClient = client) -> str:
                answer = await client.post("/trigger", json=body, headers={"X-Owner": owner})
                return str(answer.json()["runId"])

            hers = await trigger(anns, "ann")
            for route in routes(generation):
                scope = RULES[route.name][1]
                at = f"{generation} {route.method} {route.path}"
                if scope == STREAM:
                    heard = await _heard(client, as_bob["headers"], trigger, anns, bobs)
                    trial.expect(secret not in heard, f"{at} told of her run")
                    trial.expect("run:complete" in heard, f"{at} did not tell of his own run")
                    cells += 1
                    continue
                for params in ({}, {"runId": hers}, {"label.a": "b"}, {"jobName": "fails"}):
                    if route.own and params and not _takes(route, params):
                        continue
                    answer = await client.request(
                        route.method,
                        route.path or "/",
                        params=params,
                        json=bobs if route.body else None,
                        **as_bob,  # type: ignore[arg-type]
                    )
                    told = answer.text + str(answer.headers)
                    trial.expect(secret not in told, f"{at} {params} told her secret")
                    if scope == ONE and params.get("runId"):
                        trial.expect(answer.status_code == 404, f"{at}: {answer.status_code}")
                    if scope == ALL and not params.get("runId"):
                        trial.expect(answer.status_code == 403, f"{at}: {answer.status_code}")
                    if scope == LIST:
                        trial.expect(hers not in told, f"{at} {params} listed her run")
                    cells += 1
            still = await client.get("/run", params={"runId": hers}, headers={"X-Owner": "ann"})
            trial.expect(still.status_code == 200, "her run was touched")
    return f"{cells} cells"


def _takes(route: Route, params: dict[str, str]) -> bool:
    return set(params) <= {parameter.name for parameter in route.parameters}


async def _heard(
    client: httpx.AsyncClient, headers: Any, trigger: Any, anns: Any, bobs: Any
) -> str:
    """All that comes on the stream of all runs until a run of his own has ended."""
    heard = ""
    async with (
        asyncio.timeout(15),
        client.stream("GET", "/runs/subscribe?jobName=fails", headers=headers) as answer,
    ):
        await trigger(anns, "ann")
        await trigger(bobs, "bob")
        async for text in answer.aiter_text():
            heard += text
            if "run:complete" in heard:
                break
    return heard


EVIL_HOSTS = (
    *("evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example"),
    *("evil.example#127.0.0.1", "127.0.0.1@evil.example", "0.0.0.0", "192.0.2.1", "[2001:db8::1]"),
    *("127.0.0.1,evil.example", "2130706433", "0x7f.1.evil", "xn--localhost-x", "localhost,x"),
)
EVIL_ORIGINS = ("https://evil.example", "null", "http://localhost.evil.example", "file://", "x")


async def hosts_and_origins(trial: Trial) -> str:
    """On loopback no route answers to another name, and no page of another site changes a thing."""
    cells = 0
    for generation in GENERATIONS:
        durably = make_durably(_folder(trial, generation))
        async with reachable(durably, generation=generation) as client:
            run_id = (await client.post("/trigger", json=ECHO)).json()["runId"]
            for route in routes(generation):
                at = f"{generation} {route.method} {route.path}"
                for host in EVIL_HOSTS:
                    status = await ask(client, route, run_id, headers={"Host": host})
                    trial.expect(status in (400, 403), f"{at} for Host {host}: {status}")
                    cells += 1
                for origin in EVIL_ORIGINS:
                    status = await ask(client, route, run_id, headers={"Origin": origin})
                    wanted = status == 403 if route.method != "GET" else status != 403
                    trial.expect(wanted, f"{at} for Origin {origin}: {status}")
                    cells += 1
            count = len((await client.get("/runs")).json())
            trial.expect(count == 1, f"{count} runs are there, not the one that was triggered")
    return f"{cells} cells"


async def cors(trial: Trial) -> str:
    """No page reads an answer unless its origin is named, on any route or stream."""
    cells = 0
    good, bad = "https://jobs.example", "https://evil.example"
    for name, origins in (("off", ()), ("on", (good,))):
        durably = make_durably(_folder(trial, name))
        async with reachable(durably, auth=token_auth(["t"]), cors_origins=origins) as client:
            for route in routes("0.15"):
                at = f"CORS {name}: {route.method} {route.path}"
                for origin in (good, bad, "null", f"{good}.evil.example", good.upper()):
                    for method in (route.method, "OPTIONS"):
                        headers = {"Origin": origin, "Access-Control-Request-Method": route.method}
                        asked = bearer("t") if method == route.method else {}
                        async with client.stream(
                            method,
                            route.path or "/",
                            headers=headers | asked,
                            json=ECHO if route.body and method == "POST" else None,
                        ) as answer:
                            allowed = answer.headers.get("access-control-allow-origin")
                            credentials = "access-control-allow-credentials" in answer.headers
                        may = origin in origins
                        trial.expect(allowed == (origin if may else None), f"{at}: {allowed}")
                        trial.expect(not credentials, f"{at}: credentials are allowed")
                        cells += 1
    return f"{cells} cells"


CHECKS = [
    Check("tokens on every route and stream", tokens),
    Check("scopes on every route and stream", scopes),
    Check("Host and Origin on every route", hosts_and_origins),
    Check("CORS on every route", cors),
    Check("oversized requests", oversized),
    Check("smuggling-shaped requests", smuggling),
    Check("no secret in logs, errors, files, processes", no_secret_gets_out, within=400),
    Check("hostile text from Node to the bytes of the pty", hostile_text, within=300),
]

if __name__ == "__main__":
    main("security", "Security", CHECKS)
