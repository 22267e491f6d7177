"""Finding out what a server can do, by looking only."""

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from support import bad_servers as bad
from support.replay08 import replay08
from support.workshop import workshop

from durably_tui.client import DurablyClient
from durably_tui.protocol import (
    ABILITIES,
    Abilities,
    DurablyError,
    JobInfo,
    NotADurablyServer,
    RunsQuery,
    RunStatus,
    Unauthorised,
)

Answers = dict[tuple[str, str], tuple[int, object]]

NO_ROUTE = (404, "Not Found")
NO_ID = (400, {"error": "runId query parameter is required"})
RUN = {"id": "a", "jobName": "echo", "status": "completed", "createdAt": "2026-01-01T00:00:00Z"}


def server(answers: Answers) -> AbstractAsyncContextManager[bad.BadServer]:
    """A server with these routes; the key is the method and the path with its query."""

    async def respond(request: bad.Request, writer: asyncio.StreamWriter) -> None:
        path = request.path.removeprefix(bad.BASE_PATH)
        status, body = answers.get((request.method, path), NO_ROUTE)
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/plain" if isinstance(body, str) else "application/json"
        head = bad.response_head(status, {"Content-Type": kind, "Content-Length": str(len(text))})
        writer.write(head + text.encode())

    return bad.listening(respond)


def routes(
    *,
    retry: bool,
    retrigger: bool,
    words: str | None,
    many: bool,
    runs: list[object] | None = None,
) -> Answers:
    refused = (400, {"error": f"Invalid status: bogus. Must be one of: {words}"})
    return {
        ("POST", "/retry"): NO_ID if retry else NO_ROUTE,
        ("POST", "/retrigger"): NO_ID if retrigger else NO_ROUTE,
        ("GET", "/runs?status=bogus&limit=1"): refused if words else (200, []),
        ("GET", "/runs?status=completed&status=bogus&limit=1"): refused if many else (200, []),
        ("GET", "/runs?limit=1"): (200, runs or []),
    }


NEW_WORDS = "pending, leased, completed, failed, cancelled"
OUR_FEATURES = sorted(ABILITIES["python"].features or ())
OLD_WORDS = "pending, running, completed, failed, cancelled"


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        (
            routes(retry=False, retrigger=True, words=NEW_WORDS, many=True),
            ABILITIES["0.15"],
        ),
        (
            routes(retry=True, retrigger=False, words=None, many=False),
            ABILITIES["0.8"],
        ),
        (
            routes(retry=True, retrigger=True, words=NEW_WORDS, many=True)
            | {("GET", ""): (200, {"generation": "0.15", "features": OUR_FEATURES})},
            ABILITIES["python"],
        ),
        (
            routes(retry=False, retrigger=True, words=OLD_WORDS, many=False),
            Abilities(
                generation="0.12",
                retry=False,
                retrigger=True,
                labels=True,
                many=False,
                leased=False,
                features=frozenset(),
            ),
        ),
        (
            routes(
                retry=True, retrigger=False, words=None, many=False, runs=[RUN | {"labels": {}}]
            ),
            Abilities(
                generation="0.9",
                retry=True,
                retrigger=False,
                labels=True,
                many=False,
                leased=False,
                features=frozenset(),
            ),
        ),
        (
            routes(retry=True, retrigger=False, words=OLD_WORDS, many=False, runs=[RUN]),
            ABILITIES["0.8"],
        ),
        (
            routes(retry=False, retrigger=True, words=NEW_WORDS, many=True)
            | {("GET", ""): (200, {"name": "x", "generation": "python", "features": ["jobs", 7]})},
            Abilities(
                generation="python",
                retry=False,
                retrigger=True,
                labels=True,
                many=True,
                leased=True,
                features=frozenset({"jobs"}),
            ),
        ),
    ],
)
async def test_each_ability_is_found_by_itself(answers: Answers, found: Abilities) -> None:
    async with server(answers) as peer, DurablyClient(peer.url) as client:
        assert client.abilities == Abilities()

        assert await client.probe() == found
        assert client.abilities == found


def test_features_are_known_absent_or_not_found_out() -> None:
    assert Abilities().has("jobs") is None
    assert ABILITIES["0.15"].has("jobs") is False
    assert ABILITIES["python"].has("jobs") is True


async def test_what_is_known_of_our_server_is_what_it_says(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop, DurablyClient(shop.url) as client:
        assert await client.probe() == ABILITIES["python"]


async def test_a_server_that_cannot_tell_its_features_now_is_asked_again() -> None:
    answers = routes(retry=True, retrigger=True, words=NEW_WORDS, many=True)
    answers["GET", ""] = (503, {"error": "starting"})
    async with server(answers) as peer, DurablyClient(peer.url) as client:
        assert (await client.probe()).features is None
        assert await client.get_jobs() is None
        answers["GET", ""] = (200, {"generation": "0.15", "features": ["jobs"]})
        answers["GET", "/jobs"] = (200, [{"name": "echo"}])
        assert await client.get_jobs() == [JobInfo(name="echo")]


async def test_looking_has_no_side_effect() -> None:
    async with replay08() as peer, DurablyClient(peer.url, read_only=True) as client:
        before = await client.get_runs()

        assert await client.probe() == ABILITIES["0.8"]

        assert await client.get_runs() == before
        acts = [asked for asked in peer.requests if not asked.startswith("GET ")]
        assert sorted(acts) == ["POST /retrigger", "POST /retry"]  # and neither names a run


async def test_actions_that_nobody_lets_us_see_stay_unknown() -> None:
    answers = routes(retry=True, retrigger=True, words=NEW_WORDS, many=True)
    answers["POST", "/retry"] = answers["POST", "/retrigger"] = (403, {"error": "read only"})
    async with server(answers) as peer, DurablyClient(peer.url) as client:
        found = await client.probe()

    assert (found.retry, found.retrigger, found.many) == (None, None, True)


async def test_an_error_of_the_server_is_told() -> None:
    async with bad.unauthorized_json() as peer, DurablyClient(peer.url) as client:
        with pytest.raises(Unauthorised):
            await client.probe()
    async with bad.other_api() as peer, DurablyClient(peer.url) as client:
        with pytest.raises(NotADurablyServer, match="not a list of runs"):
            await client.probe()
        assert client.abilities == Abilities()


@pytest.mark.parametrize("generation", ["0.8", "0.15", "python"])
async def test_a_forced_generation_is_not_looked_up(generation: str) -> None:
    async with bad.plain_http() as peer, DurablyClient(peer.url, abilities=generation) as client:
        assert await client.probe() == client.abilities == ABILITIES[generation]
        assert peer.requests == []


async def test_what_is_not_forced_is_still_looked_up() -> None:
    forced = Abilities(generation="mine", retry=True)
    answers = routes(retry=False, retrigger=True, words=NEW_WORDS, many=True)
    async with server(answers) as peer, DurablyClient(peer.url, abilities=forced) as client:
        found = await client.probe()

    assert (found.generation, found.retry, found.leased) == ("mine", True, True)


def test_a_generation_that_does_not_exist() -> None:
    with pytest.raises(DurablyError, match=r"“1\.0”: choose one of 0\.8, 0\.15, python"):
        DurablyClient("http://h", abilities="1.0")


async def test_a_word_that_depends_on_the_server_is_looked_up_once() -> None:
    answers = routes(retry=True, retrigger=False, words=None, many=False)
    running = ("GET", "/runs?status=running&limit=50&offset=0")
    answers[running] = (200, [RUN | {"status": "running"}])
    async with server(answers) as peer, DurablyClient(peer.url) as client:
        query = RunsQuery(statuses=(RunStatus.RUNNING,))
        both = await asyncio.gather(client.get_runs(query), client.get_runs(query))

        assert [run.status for runs in both for run in runs] == [RunStatus.RUNNING] * 2
        assert sum(request.path.endswith("/retry") for request in peer.requests) == 1
