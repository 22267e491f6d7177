"""Which error each answer is, and that each is one sentence for a person."""

import asyncio
import json
from contextlib import AbstractAsyncContextManager

import httpx
import pytest
from support import bad_servers as bad
from support.recordings import exchange, exchange_names

from durably_tui.client import DurablyClient
from durably_tui.client.address import parse_address
from durably_tui.client.answer import Answer
from durably_tui.client.unreachable import translate
from durably_tui.protocol import (
    Conflict,
    DurablyError,
    NotADurablyServer,
    NotFound,
    ReadOnly,
    RefusedInput,
    ServerFault,
    Trigger,
    Unauthorised,
    Unreachable,
)

EXPECTED: dict[str, type[DurablyError]] = {
    "cancel-again": Conflict,
    "cancel-completed": Conflict,
    "cancel-no-id": RefusedInput,
    "cancel-unknown": NotFound,
    "delete-active": Conflict,
    "delete-unknown": NotFound,
    "method-wrong": NotADurablyServer,
    "not-found": NotADurablyServer,
    "retrigger-active": Conflict,
    "retry-active": Conflict,
    "retry-completed": Conflict,
    "retrigger-unknown": NotFound,
    "retry-unknown": NotFound,
    "run-deleted": NotFound,
    "run-no-id": RefusedInput,
    "runs-bad-limit": RefusedInput,
    "runs-bad-limit-text": RefusedInput,
    "runs-bad-offset": RefusedInput,
    "runs-bad-status": RefusedInput,
    "steps-unknown": NotFound,
    "subscribe-no-id": RefusedInput,
    "subscribe-unknown": NotFound,
    "trigger-bad-input": RefusedInput,
    "trigger-bad-label-key": RefusedInput,
    "trigger-missing-input": RefusedInput,
    "trigger-no-job": RefusedInput,
    "trigger-not-json": RefusedInput,
    "trigger-unknown-job": NotFound,
}
ADDRESS = parse_address("http://h/api/durably", None, "tok-secret")


def answer(status: int, kind: str, body: object, location: str = "") -> Answer:
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Answer(ADDRESS, "GET http://h/api/durably/runs", status, kind, location, content)


def is_a_sentence(error: DurablyError) -> bool:
    text = str(error)
    return text.endswith(".") and "\n" not in text and text.isprintable() and len(text) < 500


@pytest.mark.parametrize(
    ("generation", "name"),
    [(g, name) for g in ("v0.8", "v0.15") for name in exchange_names(g)],
)
def test_a_recorded_answer_is_the_error_that_it_means(generation: str, name: str) -> None:
    recorded = exchange(generation, name)
    given = answer(recorded.status, recorded.content_type, recorded.body)

    error = given.error()

    if recorded.status == 200:
        assert error is None
        return
    route = recorded.path.partition("?")[0]
    is_missing = (generation, route) in {("v0.15", "/retry"), ("v0.8", "/retrigger")}
    assert given.is_missing_route is (is_missing or name in {"not-found", "method-wrong"})
    assert type(error) is (NotADurablyServer if is_missing else EXPECTED[name])
    assert is_a_sentence(error)
    assert error.status == recorded.status
    if isinstance(recorded.body, dict):
        assert error.reason == recorded.body["error"]


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (answer(401, "text/plain", "no"), Unauthorised),
        (answer(403, "application/json", {"error": "read only"}), Unauthorised),
        (answer(403, "text/html", "<html>Forbidden"), Unauthorised),
        (answer(500, "application/json", {"error": "Run not found: a"}), NotFound),
        (answer(500, "application/json", {"error": "Cannot read properties of x"}), ServerFault),
        (answer(500, "text/plain", "Internal Server Error"), ServerFault),
        (answer(503, "text/html", "<html><title>Down</title>"), ServerFault),
        (answer(429, "text/plain", "slow down"), ServerFault),
        (answer(409, "text/plain", "no"), Conflict),
        (answer(413, "application/json", {"error": "too large"}), RefusedInput),
        (answer(422, "application/json", {"detail": []}), RefusedInput),
        (answer(400, "text/html", "<html>"), NotADurablyServer),
        (answer(404, "application/json", {"detail": "Not Found"}), NotADurablyServer),
        (answer(404, "application/json", {"error": "No such page"}), NotADurablyServer),
        (answer(404, "text/html", "<html>"), NotADurablyServer),
        (answer(302, "text/html", "", "https://login/?ticket=1"), NotADurablyServer),
        (answer(200, "text/html", "<html>"), NotADurablyServer),
        (answer(200, "application/json", "<!DOCTYPE html>"), NotADurablyServer),
    ],
)
def test_other_answers(given: Answer, kind: type[DurablyError]) -> None:
    error = given.error()

    assert type(error) is kind
    assert is_a_sentence(error)


def test_the_sentence_of_a_proxy_names_its_page() -> None:
    error = answer(502, "text/html", bad.PROXY_HTML).error()

    assert "answered 502, a web page titled “502 Bad Gateway”" in str(error)


def test_a_redirect_says_whereto_without_its_query() -> None:
    error = answer(302, "text/html", "", "https://login/?ticket=1").error()

    assert "answered 302, to https://login/: use the address" in str(error)


def test_a_wrong_base_path_suggests_the_usual_one() -> None:
    address = parse_address("http://h:81", None, None)
    error = Answer(address, "GET http://h:81/runs", 404, "text/plain", "", b"Not Found").error()

    assert "http://h:81/api/durably" in str(error)


def test_a_secret_that_the_server_echoes_is_blacked_out() -> None:
    for given in (
        answer(401, "application/json", {"error": "bad token tok-secret"}),
        answer(401, "text/plain", "bad token tok-secret"),
    ):
        error = given.error()
        assert "tok-secret" not in str(error)
        assert "tok-secret" not in str(error.reason if error else None)


def test_control_characters_and_lines_do_not_reach_the_sentence() -> None:
    error = answer(
        400, "application/json", {"error": "✖ no\x1b[31m\n  → at value\u202e" * 99}
    ).error()

    assert error is not None
    assert is_a_sentence(error)
    assert "\x1b" in str(error.reason)


SERVERS = [
    (bad.html_page, NotADurablyServer, "a web page titled “Sign in”"),
    (bad.html_502, ServerFault, "502"),
    (bad.unauthorized_json, Unauthorised, "“Unauthorized”"),
    (bad.unauthorized_text, Unauthorised, "authentication required"),
    (bad.not_found_text, NotADurablyServer, "check host, port and base path"),
    (bad.other_api, NotADurablyServer, "not a list of runs"),
    (bad.self_signed_tls, Unreachable, "certificate that is not trusted"),
]


@pytest.mark.parametrize(("server", "kind", "words"), SERVERS)
async def test_a_server_that_is_none_of_ours(
    server: "type[AbstractAsyncContextManager[bad.BadServer]]",
    kind: type[DurablyError],
    words: str,
) -> None:
    async with server() as peer, DurablyClient(peer.url, token="tok-secret") as client:
        with pytest.raises(kind) as caught:
            await client.get_runs()

    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert is_a_sentence(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


async def test_a_closed_port() -> None:
    with bad.closed_port() as peer:
        async with DurablyClient(peer.url) as client:
            with pytest.raises(Unreachable, match=r"refused.*start the server"):
                await client.get_runs()


async def test_a_server_that_never_answers() -> None:
    async with bad.silent() as peer, DurablyClient(peer.url, timeout=0.05) as client:
        with pytest.raises(Unreachable, match="no answer in time"):
            await client.get_runs()


async def test_tls_asked_of_a_plain_server() -> None:
    async with bad.plain_http() as peer, DurablyClient(peer.https_url) as client:
        with pytest.raises(Unreachable, match=f"does not speak TLS: try {peer.url}"):
            await client.get_runs()


async def test_a_plain_request_to_a_tls_server() -> None:
    async with (
        bad.self_signed_tls() as peer,
        DurablyClient(peer.url.replace("https:", "http:")) as client,
    ):
        with pytest.raises(Unreachable, match="wants https"):
            await client.get_runs()


async def test_a_certificate_is_trusted_by_the_ca_that_is_given() -> None:
    async with (
        bad.self_signed_tls() as peer,
        DurablyClient(peer.url, verify=str(bad.CERTIFICATE)) as client,
    ):
        assert await client.get_runs() == []


async def test_a_certificate_is_not_looked_at_where_that_is_wanted() -> None:
    async with bad.self_signed_tls() as peer, DurablyClient(peer.url, verify=False) as client:
        assert await client.get_runs() == []


async def test_a_ca_file_that_is_missing() -> None:
    async with DurablyClient("https://127.0.0.1:1", verify="/no/such/ca.pem") as client:
        with pytest.raises(DurablyError, match=r"The CA at /no/such/ca\.pem cannot be read"):
            await client.get_runs()


async def test_a_host_that_does_not_exist() -> None:
    async with DurablyClient("http://no-such-host.invalid/api") as client:
        with pytest.raises(Unreachable, match=r"no host named no-such-host\.invalid"):
            await client.get_runs()


async def test_something_that_is_not_http() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with (
        server,
        DurablyClient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as client,
    ):
        with pytest.raises(NotADurablyServer, match="not HTTP"):
            await client.get_runs()


async def test_an_answer_that_is_cut_off() -> None:
    head = {"Content-Length": "1000"}
    async with (
        bad.canned(200, "application/json", "[{", head) as peer,
        DurablyClient(peer.url) as client,
    ):
        with pytest.raises(Unreachable, match="before the answer was whole"):
            await client.get_runs()


async def test_json_that_is_broken() -> None:
    async with (
        bad.canned(200, "application/json", '[{"id":') as peer,
        DurablyClient(peer.url) as client,
    ):
        with pytest.raises(ServerFault, match="cut off or broken"):
            await client.get_runs()


async def test_an_answer_that_is_too_large_is_refused_without_being_read() -> None:
    async with (
        bad.canned(200, "application/json", b"[" + b" " * 200_000) as peer,
        DurablyClient(peer.url) as client,
    ):
        client._door._max_answer_bytes = 100_000
        with pytest.raises(ServerFault, match="more than 100000 bytes"):
            await client.get_runs()


async def test_a_list_of_something_else() -> None:
    async with (
        bad.canned(200, "application/json", '[{"kind":"Pod"}]') as peer,
        DurablyClient(peer.url) as client,
    ):
        with pytest.raises(NotADurablyServer, match="something other than runs"):
            await client.get_runs()


async def test_a_compression_that_cannot_be_undone() -> None:
    packed = {"Content-Encoding": "gzip"}
    async with (
        bad.canned(200, "application/json", "[]", packed) as peer,
        DurablyClient(peer.url) as client,
    ):
        with pytest.raises(ServerFault, match="compression"):
            await client.get_runs()


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (httpx.ConnectTimeout("x"), Unreachable, "no connection in time"),
        (httpx.PoolTimeout("x"), Unreachable, "free connection"),
        (httpx.ProxyError("tok-secret"), Unreachable, r"proxy \(\*\*\*\).*NO_PROXY"),
        (httpx.ConnectError("no route"), Unreachable, "no route"),
        (httpx.ReadError(""), Unreachable, "ReadError"),
        (httpx.InvalidURL("x"), RefusedInput, "cannot be sent"),
        (httpx.LocalProtocolError("x"), RefusedInput, "cannot be sent"),
    ],
)
def test_errors_that_no_small_server_makes(
    error: Exception, kind: type[DurablyError], words: str
) -> None:
    found = translate(error, "GET http://h/runs", ADDRESS)

    assert type(found) is kind
    assert is_a_sentence(found)
    with pytest.raises(kind, match=words):
        raise found


async def test_read_only_sends_nothing() -> None:
    async with bad.plain_http() as peer, DurablyClient(peer.url, read_only=True) as client:
        for act in (client.retry, client.retrigger, client.cancel, client.delete_run):
            with pytest.raises(ReadOnly, match="read-only"):
                await act("a")
        with pytest.raises(ReadOnly, match="read-only"):
            await client.trigger(Trigger(job_name="echo"))
        assert peer.requests == []
        assert await client.get_runs() == []


async def test_an_input_that_is_no_json_is_refused_before_it_is_sent() -> None:
    async with bad.plain_http() as peer, DurablyClient(peer.url) as client:
        with pytest.raises(RefusedInput, match="cannot be written as JSON"):
            await client.trigger(Trigger(job_name="echo", input={"x": object()}))
        assert peer.requests == []


async def test_a_closed_client_says_so() -> None:
    client = DurablyClient("http://127.0.0.1:1")
    await client.aclose()

    with pytest.raises(RuntimeError, match="closed"):
        await client.get_runs()
