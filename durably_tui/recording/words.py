"""The lines of a recording. No I/O.

Version 1. The first line is the header; every other has ``kind`` and ``at``, the seconds since
``began``. What the server sent stands in a line as it is where it is JSON that a line can hold, so
that ``jq`` reads it; anything else is text in base64. No value of the protocol is a JSON text at
that place, so the two cannot be confused. Lines of a kind that nobody knows are left out.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

import msgspec

from durably_tui.protocol import (
    Abilities,
    Connection,
    DurablyError,
    Phase,
    ServerFault,
    Unreachable,
)

FORMAT = "durably-recording"
VERSION = 1
"""Raised where an older reader would understand something wrongly."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line."""

    format: str = FORMAT
    version: int = VERSION
    began: datetime
    """When the recording began, by the clock of the machine that made it."""
    server: str
    """The base address, without credentials."""
    name: str = ""
    """What the server was called where it was recorded."""
    jobs: tuple[str, ...] = ()
    """Only runs of these jobs were recorded; empty: all."""
    abilities: Abilities = Abilities()
    """What the server could do."""
    by: str = ""
    """The program that made it, for people."""


class Answer(msgspec.Struct, frozen=True, tag_field="kind", tag="answer"):
    """The answer to a request for something, such as ``GET /runs``."""

    at: float
    path: str
    params: tuple[tuple[str, str], ...]
    body: msgspec.Raw


class Frames(msgspec.Struct, frozen=True, tag_field="kind", tag="frames"):
    """The data of events of ``GET /runs/subscribe`` that came in one read."""

    at: float
    frames: tuple[msgspec.Raw, ...]


class Turn(msgspec.Struct, frozen=True, tag_field="kind", tag="connection", omit_defaults=True):
    """A change of the stream's connection. The fields are those of ``protocol.Connection``, with
    times in seconds since the recording began."""

    at: float
    phase: Phase
    epoch: int = 0
    resumed: bool = False
    attempt: int = 0
    error: str | None = None
    since: float | None = None
    last_seen: float | None = None
    told_until: float | None = None
    retry_at: float | None = None
    latency_ms: float | None = None

    @classmethod
    def of(cls, connection: Connection, at: float, began: float) -> Turn:
        """The line for a connection; ``began`` is in seconds since the epoch."""

        def offset(moment: float | None) -> float | None:
            return None if moment is None else round(moment - began, 3)

        return cls(
            at=at,
            phase=connection.phase,
            epoch=connection.epoch,
            resumed=connection.resumed,
            attempt=connection.attempt,
            error=None if connection.error is None else str(connection.error),
            since=offset(connection.since),
            last_seen=offset(connection.last_seen),
            told_until=offset(connection.told_until),
            retry_at=offset(connection.retry_at),
            latency_ms=connection.latency_ms,
        )

    def connection(self, began: float) -> Connection:
        """The connection that the line tells of."""

        def moment(offset: float | None) -> float | None:
            return None if offset is None else began + offset

        error: DurablyError | None = None
        if self.error is not None:
            heals = self.phase is Phase.RECONNECTING
            error = Unreachable(self.error) if heals else ServerFault(self.error)
        return Connection(
            phase=self.phase,
            epoch=self.epoch,
            resumed=self.resumed,
            attempt=self.attempt,
            error=error,
            since=moment(self.since),
            last_seen=moment(self.last_seen),
            told_until=moment(self.told_until),
            retry_at=moment(self.retry_at),
            latency_ms=self.latency_ms,
        )


class Fetched(msgspec.Struct, frozen=True, tag_field="kind", tag="fetched"):
    """All that is needed after the stream was opened has been asked for and answered above."""

    at: float


class End(msgspec.Struct, frozen=True, tag_field="kind", tag="end"):
    """The last line of a recording that was ended as it should be."""

    at: float


Line = Answer | Frames | Turn | Fetched | End


class Stamp(msgspec.Struct, frozen=True):
    """What every line has."""

    at: float
    kind: str


_encoder = msgspec.json.Encoder()
_header: msgspec.json.Decoder[Header] = msgspec.json.Decoder(Header)
_line: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)
_stamp: msgspec.json.Decoder[Stamp] = msgspec.json.Decoder(Stamp)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


def encoded(line: Header | Line) -> bytes:
    """A line with its line end."""
    return _encoder.encode(line) + b"\n"


def header_of(data: bytes) -> Header | None:
    """The header that a line is, of whatever version; None where it is none."""
    try:
        found = _header.decode(data)
    except _UNREADABLE:
        return None
    return found if found.format == FORMAT else None


def version_of(data: bytes) -> int | None:
    """The version that a line names which is the header of some recording."""
    try:
        found = msgspec.json.decode(data)
    except _UNREADABLE:
        return None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        return None
    version = found.get("version")
    return version if isinstance(version, int) else None


def line_of(data: bytes) -> Line | None:
    """The line, or None where it cannot be read or nobody knows its kind."""
    try:
        return _line.decode(data)
    except _UNREADABLE:
        return None


def stamp_of(data: bytes) -> Stamp | None:
    """The kind and the time of a line, or None where it cannot be read."""
    try:
        return _stamp.decode(data)
    except _UNREADABLE:
        return None


def embedded(data: bytes) -> msgspec.Raw:
    """What a server sent, as a value that can stand in a line; ``extracted`` undoes it."""
    if data[:1] in {b"{", b"["} and data[-1:] in {b"}", b"]"} and not _breaks(data):
        try:
            msgspec.json.decode(data)
            data.decode()
        except _UNREADABLE:
            pass
        else:
            return msgspec.Raw(data)
    return msgspec.Raw(b'"' + base64.b64encode(data) + b'"')


def extracted(value: msgspec.Raw) -> bytes:
    """The bytes that a server sent. What is no base64 is answered as it is."""
    data = bytes(value)
    if not data.startswith(b'"'):
        return data
    try:
        return base64.b64decode(data[1:-1], validate=True)
    except (binascii.Error, ValueError):
        return data


def _breaks(data: bytes) -> bool:
    return b"\n" in data or b"\r" in data
