"""Where a server is, and what a request shows it: the address, the credentials, and what of them
may be written into a sentence for a person."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from durably_tui.protocol import DurablyError

USUAL_BASE_PATH = "/api/durably"


@dataclass(frozen=True)
class Address:
    """The base address of one server.

    Attributes:
        origin: scheme, host and port, such as ``https://jobs.example``.
        base_path: what comes before ``/runs``, without a slash at the end; perhaps empty.
        host: the name or the number of the host.
        headers: what every request carries, lower case; credentials are among them.
    """

    origin: str
    base_path: str
    host: str
    headers: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def url(self) -> str:
        """The address as it may be shown: no credentials in it."""
        return self.origin + self.base_path

    @property
    def is_tls(self) -> bool:
        """Whether requests are encrypted."""
        return self.origin.startswith("https:")

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine, which no proxy can reach for us."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def without_secrets(self, text: str) -> str:
        """``text`` with every credential of this address blacked out."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def parse_address(url: str, headers: Mapping[str, str] | None, token: str | None) -> Address:
    """Read a base address. User and password in it become basic authorisation.

    The more explicit wins: a header ``authorization``, then ``token``, then the address.

    Raises:
        DurablyError: this cannot be the address of a server; the sentence shows no credentials.
    """
    text = url.strip()
    if "://" not in text:
        raise DurablyError(
            f"“{_shown(text)}” is not the address of a server: write it with its scheme, "
            f"such as http://127.0.0.1:8080{USUAL_BASE_PATH}."
        )
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise DurablyError(
            f"“{_shown(text)}” is not the address of a server ({error}): correct it."
        ) from None
    if parts.scheme not in {"http", "https"} or not host:
        raise DurablyError(
            f"“{_shown(text)}” is not the address of a server: it has to begin with http:// or "
            "https:// and a host."
        )
    if parts.query or parts.fragment:
        raise DurablyError(
            f"“{_shown(text)}” has something after its path: give only the base address, "
            f"such as {parts.scheme}://{host}{USUAL_BASE_PATH}, and a token as token or headers."
        )
    sent = {"accept": "application/json"}
    secrets: list[str] = []
    if parts.username is not None:
        user, password = unquote(parts.username), unquote(parts.password or "")
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        sent["authorization"] = f"Basic {basic}"
        secrets += [basic, password]
    if token:
        sent["authorization"] = f"Bearer {token}"
        secrets.append(token)
    for name, value in (headers or {}).items():
        sent[name.lower()] = value
        secrets += [value, value.partition(" ")[2]]
    for name, value in sent.items():
        if not (name.isascii() and value.isascii() and (name + value).isprintable()):
            raise DurablyError(
                f"The value for the header {name!r} holds characters that HTTP cannot carry: "
                "check the token and the headers for line ends and accents."
            )
    at = f"[{host}]" if ":" in host else host
    return Address(
        origin=f"{parts.scheme}://{at}" + (f":{port}" if port is not None else ""),
        base_path=parts.path.rstrip("/"),
        host=host,
        headers=sent,
        # Longest first; a word of a few letters would black out ordinary words.
        secrets=tuple(sorted((s for s in set(secrets) if len(s) > 3), key=len, reverse=True)),
    )


def _shown(text: str) -> str:
    """An address that cannot be read, without what may be credentials."""
    scheme, found, rest = text.partition("://")
    rest = rest if found else scheme
    rest = rest.rpartition("@")[2].partition("?")[0].partition("#")[0]
    return f"{scheme}://{rest}" if found else rest
