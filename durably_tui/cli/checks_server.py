"""The doctor on the way to a server, from its name to its stream of events: one thing after the
other, each only where the one before it is well."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from durably_tui.client import DurablyClient
from durably_tui.client.address import Address, parse_address
from durably_tui.config import Server
from durably_tui.protocol import (
    Abilities,
    DurablyError,
    NotADurablyServer,
    Phase,
    Unauthorised,
)

from .checkup import Finding
from .reach import client_for

USUAL_PATHS = ("/api/durably", "/durably", "/api/jobs", "/api", "")
"""Where servers are usually mounted."""
PATIENCE = 5.0
"""Seconds for each step on the way."""
CLOCK_SECONDS = 5.0
"""A difference of the clocks beyond this makes ages wrong that a person looks at."""
EXPIRES_SOON_DAYS = 14
PROMPT_SECONDS = 0.9
"""A stream whose head has not come by then waits for its first event somewhere."""


async def check_server(server: Server) -> AsyncGenerator[Finding, None]:
    """Every finding, as it is made; the first that fails is mostly the reason for the rest."""
    try:
        client = client_for(server)
    except DurablyError as error:
        yield Finding("address", "fail", server.shown, str(error))
        return
    async with client:
        address = parse_address(client.url, None, None)
        parts = urlsplit(client.url)
        port = parts.port or (443 if address.is_tls else 80)
        if server.proxy is None:
            async for finding in _way(server, address, port):
                yield finding
                if finding.state == "fail":
                    return
        else:
            yield Finding("way", "skip", "the proxy looks it up")
        answered = False
        async for finding in _answers(client, server):
            yield finding
            answered = finding.name == "clock" or answered
        if not answered:
            return
        yield await _abilities(client)
        yield await _stream(client)


async def _way(server: Server, address: Address, port: int) -> AsyncGenerator[Finding, None]:
    """Name, address and TLS; ends with the first that fails."""
    host = address.host
    finding = await _name(host)
    yield finding
    if finding.state == "fail":
        return
    finding = await _connects(host, port)
    yield finding
    if finding.state == "fail":
        return
    if address.is_tls:
        yield await _certificate(server, host, port)
    elif not address.is_loopback:
        hint = "Anybody on the way can read all of it: use https."
        yield Finding("TLS", "warn", "none", hint)


async def _name(host: str) -> Finding:
    try:
        async with asyncio.timeout(PATIENCE):
            found = await asyncio.get_running_loop().getaddrinfo(host, None)
    except TimeoutError:
        return Finding("name", "fail", f"no answer about {host}", "Check DNS and VPN.")
    except (OSError, UnicodeError) as error:
        text = f"{host} has no address ({getattr(error, 'strerror', None) or error})"
        return Finding("name", "fail", text, "Correct the name, or check DNS and VPN.")
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    return Finding("name", "ok", f"{host} is {', '.join(addresses[:4])}")


async def _connects(host: str, port: int) -> Finding:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        hint = "Check the host, the port and any firewall."
        return Finding("address", "fail", f"{host}:{port} does not answer", hint)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        text = f"{host}:{port} cannot be connected to ({reason})"
        return Finding("address", "fail", text, "Start the server, or correct the port.")
    took = (time.perf_counter() - began) * 1000
    writer.close()
    return Finding("address", "ok", f"{host}:{port} connects in {took:.1f} ms")


async def _certificate(server: Server, host: str, port: int) -> Finding:
    is_checked = server.verify and server.ca is None
    context = ssl.create_default_context()
    if server.client_cert:  # a server may end the handshake of whoever shows none
        certificate, *key = server.client_cert
        try:
            context.load_cert_chain(certificate, key[0] if key else None, password="")
        except OSError as error:
            text = f"client_cert cannot be used ({error.strerror or error})"
            hint = "Give a PEM file with it and its key, which must have no passphrase."
            return Finding("TLS", "fail", text, hint)
    if not is_checked:  # the configuration says how it is checked; requests go by that
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except ssl.SSLCertVerificationError as error:
        hint = "Correct the host name, or set ca in the configuration to the CA that signed it."
        return Finding("TLS", "fail", f"not trusted: {error.verify_message}", hint)
    except (ssl.SSLError, OSError, TimeoutError) as error:
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        hint = "Try the address with http://."
        if not server.client_cert:
            hint += " If the server asks for a certificate, set client_cert."
        return Finding("TLS", "fail", f"no handshake ({reason})", hint)
    connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
    spoken, shown = connection.version(), connection.getpeercert() or {}
    writer.close()
    if not is_checked:
        return Finding("TLS", "ok", f"{spoken}; checked as the configuration says")
    return _expiry(f"{spoken}", shown)


def _expiry(spoken: str, certificate: Any) -> Finding:
    ends = ssl.cert_time_to_seconds(str(certificate.get("notAfter", "")))
    days = (ends - time.time()) / 86_400
    text = f"{spoken}, the certificate is good for {days:.0f} days"
    if days < EXPIRES_SOON_DAYS:
        return Finding("TLS", "warn", text, "Renew the certificate.")
    return Finding("TLS", "ok", text)


async def _answers(client: DurablyClient, server: Server) -> AsyncGenerator[Finding, None]:
    """Authorisation, base path and clock, which one answer tells of."""
    try:
        pong = await client.ping()
    except Unauthorised as error:
        yield Finding("credentials", "fail", _credentials(server), str(error))
        return
    except NotADurablyServer as error:
        found = await _elsewhere(server)
        if found:
            hint = f"A Durably server answers at {found}: use that address."
        else:
            hint = f"{error} None of the usual paths answers either."
        yield Finding("base path", "fail", f"no Durably server at {client.url}", hint)
        return
    except DurablyError as error:
        yield Finding("answer", "fail", "none that can be used", str(error))
        return
    yield Finding("base path", "ok", f"a Durably server answers at {client.url}")
    yield Finding("credentials", "ok", _credentials(server))
    yield Finding("answer", "ok", f"in {pong.took_ms:.1f} ms")
    yield _clock(pong.server_time)


def _credentials(server: Server) -> str:
    names = {name.lower() for name in server.headers}
    if "authorization" in names:
        return "a header from the configuration"
    if server.token_env:
        return f"a token from {server.token_env}"
    if server.token_command:
        return "a token from token_command"
    if os.environ.get("DURABLY_TOKEN"):
        return "a token from DURABLY_TOKEN"
    if "@" in urlsplit(server.url).netloc:
        return "user and password from the address"
    return "none are sent" + (" but for headers" if names else "")


async def _elsewhere(server: Server) -> str | None:
    """Which of the usual paths on the same host a Durably server answers at."""
    parts = urlsplit(server.url)
    for path in USUAL_PATHS:
        if path == parts.path.rstrip("/"):
            continue
        other = replace(server, url=parts._replace(path=path, query="", fragment="").geturl())
        async with client_for(other) as client:
            try:
                await client.ping()
            except Unauthorised:
                return client.url
            except DurablyError:
                continue
            return client.url
    return None


def _clock(told: datetime | None) -> Finding:
    if told is None:
        return Finding("clock", "skip", "the server does not tell its time")
    # It is told in whole seconds, cut off.
    apart = told.timestamp() + 0.5 - datetime.now(UTC).timestamp()
    if abs(apart) > CLOCK_SECONDS:
        ahead = "ahead of" if apart > 0 else "behind"
        text = f"the server's is {abs(apart):.0f} s {ahead} this one"
        return Finding("clock", "warn", text, "Ages are wrong by that: set the clocks (NTP).")
    return Finding("clock", "ok", "the same as here, within a second or two")


async def _abilities(client: DurablyClient) -> Finding:
    try:
        found = await client.probe()
    except DurablyError as error:
        return Finding("generation", "fail", "not found out", str(error))
    return Finding("generation", "ok", f"{found.generation or 'unknown'}: {_can(found)}")


def _can(found: Abilities) -> str:
    names = ("retry", "retrigger", "labels")
    can = [name for name in names if getattr(found, name)]
    can += sorted((found.features or frozenset()) - set(names))
    return ", ".join(can) or "only what every server can do"


async def _stream(client: DurablyClient) -> Finding:
    name = "stream"
    began = time.perf_counter()
    stream = client.subscribe_runs()
    try:
        async with (
            asyncio.timeout(PATIENCE),
            aclosing(stream.batches()) as batches,
        ):
            async for batch in batches:
                connection = batch.connection
                if connection.error is not None:
                    return Finding(name, "fail", "it cannot be opened", str(connection.error))
                if connection.phase is Phase.LIVE:
                    break
    except TimeoutError:
        hint = "A proxy in between may hold it back: turn its buffering off for this path."
        return Finding(name, "fail", f"no byte within {PATIENCE:.0f} s", hint)
    took = time.perf_counter() - began
    if took > PROMPT_SECONDS:
        hint = (
            "Its head comes with the first event, or a proxy buffers it (nginx: proxy_buffering "
            "off): if the monitor shows changes late, check the proxy."
        )
        return Finding(name, "warn", f"no byte in the first {took * 1000:.0f} ms", hint)
    return Finding(name, "ok", f"open, the first byte after {took * 1000:.0f} ms")
