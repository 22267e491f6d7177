"""Why no answer came: the errors of httpx and of what lies below it, as one of ours."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx

from durably_tui.protocol import (
    DurablyError,
    NotADurablyServer,
    RefusedInput,
    ServerFault,
    Unreachable,
)

from .address import Address
from .answer import one_line


def translate(error: Exception, tried: str, address: Address) -> DurablyError:
    """The error of a request that got no answer, or lost it on the way."""
    causes = list(_causes(error))
    for cause in causes:
        said = _known(cause, address)
        if said is not None:
            return Unreachable(f"{tried} {said}.")
    if isinstance(error, httpx.LocalProtocolError | httpx.InvalidURL | UnicodeError):
        return RefusedInput(
            f"{tried} cannot be sent ({_words(error, address)}): check the address and the headers."
        )
    if isinstance(error, httpx.DecodingError):
        return ServerFault(
            f"{tried} was answered in a compression that cannot be read: "
            "check the proxy in between."
        )
    if isinstance(error, httpx.RemoteProtocolError) and not _is_cut(error):
        return NotADurablyServer(
            f"{tried} was answered with something that is not HTTP: check the port."
        )
    return Unreachable(f"{tried} {_lost(error, address)}.")


def _known(cause: BaseException, address: Address) -> str | None:
    """What happened and what to do, for the causes below HTTP that can be told apart."""
    match cause:
        case ssl.SSLCertVerificationError():
            return (
                f"got a certificate that is not trusted ({one_line(cause.verify_message)}): "
                "correct the host name, or give the CA that signed it as verify"
            )
        case ssl.SSLError() if cause.reason in _NOT_TLS:
            plain = address.url.replace("https:", "http:", 1)
            return f"met a server that does not speak TLS: try {plain}"
        case ssl.SSLError():
            reason = (cause.reason or "unknown reason").replace("_", " ").lower()
            return f"failed in the TLS handshake ({reason}): check the server's TLS and the port"
        case socket.gaierror():
            return f"found no host named {address.host}: correct the name, or check DNS and VPN"
        case ConnectionRefusedError():
            return "was refused, nothing listens there: start the server or correct the port"
        case _:
            return None


_NOT_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"}


def _lost(error: Exception, address: Address) -> str:
    match error:
        case httpx.ConnectTimeout():
            return "got no connection in time: check the host, the port and any firewall"
        case httpx.PoolTimeout():
            return "found no free connection in time: close some streams"
        case httpx.TimeoutException():
            return "got no answer in time: see whether the server hangs, or raise timeout"
        case httpx.ProxyError():
            return f"failed at the proxy ({_words(error, address)}): check HTTP_PROXY and NO_PROXY"
        case httpx.RemoteProtocolError() if "disconnected" in str(error) and not address.is_tls:
            return (
                "was not answered, the connection was closed: "
                "see whether the server runs, and whether it wants https"
            )
        case httpx.RemoteProtocolError():
            return "lost its connection before the answer was whole: see whether the server runs"
        case httpx.ConnectError():
            return f"got no connection ({_words(error, address)}): check the host and the network"
        case _:
            return f"lost its connection ({_words(error, address)}): see whether the server runs"


def _is_cut(error: httpx.RemoteProtocolError) -> bool:
    """Whether the peer went away, rather than said what is not HTTP; only the text tells."""
    text = str(error)
    return "disconnected" in text or "peer closed" in text or "incomplete" in text


def _words(error: Exception, address: Address) -> str:
    return one_line(address.without_secrets(str(error))) or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that led to it, outermost first."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        if isinstance(cause, BaseExceptionGroup):
            waiting.extend(cause.exceptions)
        waiting.extend(c for c in (cause.__cause__, cause.__context__) if c is not None)
