"""The doctor on the way to a server that wants to see a certificate."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from durably_tui.cli.checks_server import check_server
from durably_tui.config import Server

CERTIFICATE = str(Path(__file__).parents[1] / "support" / "self_signed.pem")
KEY = str(Path(__file__).parents[1] / "support" / "self_signed_key.pem")
LIST = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"


@asynccontextmanager
async def asking_for_a_certificate() -> AsyncIterator[str]:
    """A server that ends the handshake of whoever shows none, as TLS 1.2 has it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    context.load_verify_locations(CERTIFICATE)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(LIST)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def found(server: Server) -> dict[str, tuple[str, str]]:
    async with asyncio.timeout(30):
        return {each.name: (each.state, each.hint) async for each in check_server(server)}


async def test_it_shows_the_certificate_that_is_configured() -> None:
    async with asking_for_a_certificate() as url:
        told = await found(Server("it", url, ca=CERTIFICATE, client_cert=(CERTIFICATE, KEY)))
    assert told["TLS"][0] == told["answer"][0] == "ok"


async def test_where_none_is_configured_it_says_what_may_be_wanting() -> None:
    async with asking_for_a_certificate() as url:
        state, hint = (await found(Server("it", url, ca=CERTIFICATE)))["TLS"]
    assert state == "fail"
    assert "client_cert" in hint


async def test_one_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    none = str(tmp_path / "none.pem")
    async with asking_for_a_certificate() as url:
        told = await found(Server("it", url, ca=CERTIFICATE, client_cert=(none,)))
    state, hint = told["TLS"]
    assert state == "fail"
    assert "PEM file" in hint
