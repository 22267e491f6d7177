"""The app where the server is away, dies, comes back, or never was one of Durably's."""

from __future__ import annotations

import gc
import json
import ssl
from asyncio import Event, StreamWriter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import pytest
from support.as_wire import same_runs
from support.bad_servers import (
    CERTIFICATE,
    CERTIFICATE_KEY,
    BadServer,
    Request,
    closed_port,
    frame,
    html_502,
    html_page,
    listening,
    not_found_text,
    other_api,
    plain_http,
    response_head,
    self_signed_tls,
    unauthorized_json,
    unauthorized_text,
)
from support.peers import Peer, ReplayPeer
from support.recordings import exchange
from support.shown import Shown, shown

from durably_tui.text import short_id

# httpcore 1.0 leaves the socket of a TLS handshake that is cancelled to the garbage collector.
leaves_handshakes = pytest.mark.filterwarnings("ignore::ResourceWarning")

Make = Callable[[], AbstractAsyncContextManager[BadServer]]


def assert_one_sentence(text: str) -> None:
    """What was tried, what came back, what to do; and that once."""
    assert text.startswith("GET http"), text
    assert text.count(". ") == 0, text
    assert text.endswith("."), text


async def until_wrong(monitor: Shown, *texts: str) -> None:
    """Wait until the sentence that says what is wrong has these in it."""
    await monitor.until(
        lambda: all(text in monitor.trouble for text in texts), f"a trouble with {texts}"
    )
    assert_one_sentence(monitor.trouble)


async def test_a_server_killed_and_started_again(peer: Peer, tmp_path: Path) -> None:
    go = tmp_path / "go"
    done = await peer.done("echo", {"value": "a"})
    failed = await peer.done("fails", {"message": "disk is full"})
    async with shown(peer.url) as monitor:
        await monitor.until_table(failed, done)
        await monitor.until(lambda: "● live" in monitor.bar)
        held = await peer.trigger("held", {"until": str(go)})
        await monitor.until_row(held, status="● running", progress="50%", step="wait")
        await peer.kill()
        await monitor.until(lambda: "▲ reconnecting" in monitor.bar)
        await until_wrong(monitor, "nothing listens there: start the server or correct the port")
        await monitor.until(lambda: "last seen 00:" in monitor.bar)
        # What was known stays, and the keys are not dead.
        assert monitor.shown_ids == [short_id(run_id) for run_id in (held, failed, done)]
        await monitor.press("g", "j", "c")
        await monitor.until_toast("run is failed: nothing to cancel")
        await monitor.press("r")
        await monitor.until_toast("was refused, nothing listens there")
        await monitor.until_row(failed, status="✖ failed")

        await peer.start()
        missed = await peer.trigger("echo", {"value": "missed"})
        await monitor.until(lambda: "● live" in monitor.bar)
        await monitor.until(lambda: monitor.trouble == "")
        await monitor.until_table(missed, held, failed, done)
        # The run that the crash interrupted goes on, and is seen to.
        await monitor.until_row(held, status="● running")
        go.touch()
        await monitor.until_row(held, status="✔ completed", progress="100%")
        await monitor.until_row(missed, status="✔ completed", job="echo")
        wire = await peer.runs()
        rows = monitor.runs.rows
        assert rows is not None
        await monitor.until(lambda: same_runs(rows.runs, wire, peer.generation))
        later = await peer.trigger("fails", {"message": "later"})
        await monitor.until_row(later, status="✖ failed")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (html_page, ("answered 200", "“Sign in”", "proxy or a login page")),
        (html_502, ("answered 502", "“502 Bad Gateway”")),
        (
            unauthorized_json,
            ("answered 401", "“Unauthorized”", "give a token (as DURABLY_TOKEN) or headers"),
        ),
        (
            unauthorized_text,
            ("answered 401", "authentication required", "give a token (as DURABLY_TOKEN)"),
        ),
        (not_found_text, ("answered 404", "“Not Found”", "check host, port and base path")),
        (other_api, ("answered 200", "check host, port and base path")),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_an_address_that_is_no_durably_server_until_it_is_one(
    make: Make, told: tuple[str, ...]
) -> None:
    async with AsyncExitStack() as before:
        bad = await before.enter_async_context(make())
        async with shown(bad.url) as monitor:
            await until_wrong(monitor, *told)
            await monitor.until(lambda: "offline" in monitor.bar or "reconnecting" in monitor.bar)
            await before.aclose()
            async with ReplayPeer(bad.port) as good:
                run_id = await good.trigger("echo", {"value": "a"})
                await monitor.until(lambda: "● live" in monitor.bar)
                await monitor.until_row(run_id, status="✔ completed")
                assert monitor.trouble == ""


async def test_a_closed_port_until_a_server_listens_there(peer: Peer) -> None:
    run_id = await peer.done("echo", {"value": "a"})
    await peer.kill()
    async with shown(peer.url) as monitor:
        await until_wrong(monitor, "nothing listens there: start the server or correct the port")
        assert monitor.table == []
        await peer.start()
        await monitor.until(lambda: "● live" in monitor.bar)
        await monitor.until_row(run_id, status="✔ completed")
        assert monitor.trouble == ""


async def test_a_port_that_nobody_ever_had() -> None:
    with closed_port() as nobody:
        async with shown(nobody.url) as monitor:
            await until_wrong(monitor, nobody.url, "nothing listens there")
            await monitor.press("t")
            await monitor.until_dialog("New run")
            await monitor.press("escape", "question_mark")
            await monitor.shows("Keys · Runs")


@leaves_handshakes
async def test_a_certificate_that_nobody_signed() -> None:
    async with self_signed_tls() as server, shown(server.url) as monitor:
        await until_wrong(monitor, "certificate that is not trusted", "give the CA that signed it")
        await monitor.until(lambda: "live" not in monitor.bar)
    gc.collect()


@leaves_handshakes
async def test_a_failing_tls_until_it_works() -> None:
    trusted = ssl.create_default_context(cafile=str(CERTIFICATE))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE, CERTIFICATE_KEY)
    run = exchange("v0.15", "run-completed").body

    async def respond(request: Request, writer: StreamWriter) -> None:
        """A Durably with one run in it."""
        if request.path.partition("?")[0].endswith("/runs/subscribe"):
            writer.write(response_head(200, {"Content-Type": "text/event-stream"}))
            writer.write(frame({"type": "run:trigger", "runId": run["id"], "jobName": "echo"}))
            await writer.drain()
            await Event().wait()
        body = json.dumps([run] if request.path.startswith("/api/durably/runs?") else run).encode()
        length = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        writer.write(response_head(200, length) + body)

    async with AsyncExitStack() as before:
        plain = await before.enter_async_context(plain_http())
        async with shown(plain.https_url, verify=trusted) as monitor:
            await until_wrong(monitor, "met a server that does not speak TLS: try http://")
            await before.aclose()
            async with listening(respond, tls=tls, port=plain.port):
                await monitor.until(lambda: "● live" in monitor.bar)
                await monitor.until_row(run["id"], status="✔ completed")
                assert monitor.trouble == ""
    gc.collect()
