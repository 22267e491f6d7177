"""The way to a server: through a proxy, and with a certificate of one's own."""

from __future__ import annotations

import ssl
from contextlib import aclosing

import pytest
from support import bad_servers as bad

from durably_tui.client import DurablyClient
from durably_tui.protocol import DurablyError, Unreachable

BOTH = (str(bad.CERTIFICATE), str(bad.CERTIFICATE_KEY))


async def test_a_proxy_is_asked_for_the_server() -> None:
    async with (
        bad.canned(200, "application/json", "[]") as proxy,
        DurablyClient("http://jobs.invalid/api", proxy=f"http://127.0.0.1:{proxy.port}") as client,
    ):
        assert await client.get_runs() == []
    assert proxy.requests[0].path.startswith("http://jobs.invalid/api/runs")


async def test_a_proxy_that_is_no_address() -> None:
    async with DurablyClient("http://jobs.invalid/api", proxy="proxy:3128") as client:
        with pytest.raises(DurablyError, match="The proxy is not a usable address"):
            await client.get_runs()


async def test_a_server_that_wants_a_certificate_sees_it() -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=bad.CERTIFICATE)
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_cert_chain(*BOTH)
    async with bad.canned(200, "application/json", "[]", tls=tls) as peer:
        async with DurablyClient(peer.url, verify=BOTH[0], client_cert=BOTH) as client:
            assert await client.get_runs() == []
        async with DurablyClient(peer.url, verify=False) as client:
            with pytest.raises(Unreachable):
                await client.get_runs()


async def test_a_stream_over_tls_shows_its_certificate_as_well() -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=bad.CERTIFICATE)
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_cert_chain(*BOTH)
    told = bad.frame({"type": "run:cancel", "runId": "a"}).decode()
    async with (
        bad.canned(200, "text/event-stream", told, tls=tls) as peer,
        DurablyClient(peer.url, verify=BOTH[0], client_cert=BOTH) as client,
        aclosing(aiter(client.subscribe_runs())) as events,
    ):
        assert (await anext(events)).run_id == "a"


async def test_a_certificate_that_cannot_be_used() -> None:
    async with DurablyClient("https://127.0.0.1:1", client_cert=["/no/cert.pem"]) as client:
        with pytest.raises(DurablyError, match=r"client certificate at /no/cert\.pem cannot be"):
            await client.get_runs()
