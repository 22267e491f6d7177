"""The configuration as typed, frozen data. A secret is in none of the texts that it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from .mistakes import ConfigError, Problem, meant

Kind = Literal["flag", "environment", "file", "default"]


class Origin(NamedTuple):
    """Where a value came from."""

    kind: Kind
    where: str = ""
    """The option, the variable, or the file."""
    line: int | None = None

    def __str__(self) -> str:
        if self.kind == "default":
            return "default"
        return self.where if self.line is None else f"{self.where}:{self.line}"


DEFAULT = Origin("default")


@dataclass(frozen=True, slots=True)
class Server:
    """How to reach a server, and how careful to be with it."""

    name: str
    """What the user calls it; empty where it was given by its address only."""
    url: str = field(repr=False)
    """The base address, as it was written: credentials may be in it. ``shown`` has none."""
    token_env: str | None = None
    token_command: tuple[str, ...] = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    verify: bool = True
    ca: str | None = None
    """A file or a folder."""
    client_cert: tuple[str, ...] = ()
    """A PEM file, or a certificate and its key."""
    proxy: str | None = field(default=None, repr=False)
    read_only: bool = False
    production: bool = False
    color: str | None = None
    """Such as ``red`` or ``#d04040``."""
    generation: str | None = None
    """A key of ``durably_tui.protocol.ABILITIES``; None finds it out."""

    @property
    def shown(self) -> str:
        """The address without what may be credentials."""
        return shown(self.url)

    @property
    def title(self) -> str:
        """The name, else the address without credentials."""
        return self.name or self.shown


class Alerts(NamedTuple):
    """What is done when a run fails; nothing unless it was asked for."""

    bell: bool = False
    notice: bool = False
    command: tuple[str, ...] = ()


NO_ALERTS = Alerts()


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that can be configured, each value from the first source that has a fit one.

    What is wrong is in ``problems``, and stops nothing but what needs just that.
    """

    servers: tuple[Server, ...] = ()
    default: str | None = field(default=None, repr=False)
    """The name or the address of the server that is used where none is named."""
    read_only: bool = False
    theme: str | None = None
    density: str = "comfortable"
    time_format: str = "relative"
    columns: tuple[str, ...] = ()
    """Names of columns in their order; empty: chosen by the width."""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Per command, by its name, the keys that it has instead of its own."""
    filters: Mapping[str, str] = field(default_factory=dict)
    alerts: Alerts = NO_ALERTS
    file: str | None = None
    """The file that was read; None where there is none."""
    problems: tuple[Problem, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict, repr=False)
    """By path, such as ``theme``, ``alerts.bell`` or ``servers.prod.url``; defaults are left
    out."""
    unusable: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names of servers that cannot be used, each with the sentence why."""
    broken: str = ""
    """Why the file could not be read at all, as one sentence; empty where it could."""

    def origin(self, path: str) -> Origin:
        """Where the value of a setting came from."""
        return self.origins.get(path, DEFAULT)

    def problem(self, path: str, sentence: str) -> Problem:
        """A mistake that only the one who uses a setting can see, such as an unknown theme."""
        origin = self.origin(path)
        return Problem(origin.where or "default", origin.line, sentence)

    def server(self, wanted: str | None = None) -> Server:
        """The server of this name or address; None: the default, or the only one there is.

        An address that is configured brings what is configured for it.

        Raises:
            ConfigError: there is no such server, or it cannot be used, or none was named.
        """
        if wanted is None:
            wanted = self.default
        if wanted is None:
            if len(self.servers) == 1:
                return self._guarded(self.servers[0])
            raise ConfigError(self._none_named())
        if is_address(wanted):
            same = [s for s in self.servers if s.url.rstrip("/") == wanted.rstrip("/")]
            return self._guarded(same[0] if same else Server("", wanted))
        if wanted in self.unusable:
            raise ConfigError(self.unusable[wanted])
        for server in self.servers:
            if server.name == wanted:
                return self._guarded(server)
        raise ConfigError(self._no_such(wanted))

    def _guarded(self, server: Server) -> Server:
        return replace(server, read_only=True) if self.read_only else server

    def _none_named(self) -> str:
        if self.broken:
            return self.broken
        if self.servers:
            names = ", ".join(server.name for server in self.servers)
            return f"no server was named; name one with --server: there are {names}."
        if self.unusable:
            return next(iter(self.unusable.values()))
        return "no server was named; give its address, set DURABLY_URL, or try `durably-tui demo`."

    def _no_such(self, wanted: str) -> str:
        shown_name = shown(wanted)
        if self.broken:
            return f"the server {shown_name!r} cannot be looked up: {self.broken}"
        names = [server.name for server in self.servers]
        if not names:
            return (
                f"{shown_name!r} is not an http:// or https:// address, and no server is "
                "configured under that name (see `durably-tui config path`)."
            )
        return (
            f"{shown_name!r} is not an http:// or https:// address or a configured server: "
            f"{meant(wanted, names)}"
        )


def is_address(word: str) -> bool:
    """Whether this is the address of a server, rather than its name."""
    return word.startswith(("http://", "https://"))


def shown(address: str) -> str:
    """An address that nobody has checked yet, without what may be credentials in it."""
    scheme, found, rest = address.partition("://")
    return scheme + found + rest.rpartition("@")[2].partition("?")[0].partition("#")[0]


def plain(value: Any) -> Any:
    """A value of a setting as JSON has it."""
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    return value
