"""Reading a recording: what can be played of a file, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from .errors import RecordingError
from .packed import MAGIC, zstd
from .words import VERSION, Header, Line, header_of, line_of, stamp_of, version_of

MAX_BYTES = 512 * 1024 * 1024
"""Of the text, unpacked: it is held in memory."""
_MAX_HEADER = 1024 * 1024
_CHUNK = 1024 * 1024
_KNOWN = frozenset({"answer", "frames", "connection", "fetched"})
HEARD = frozenset({"frames", "connection"})
"""The kinds of lines that came by the stream."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording in memory, in the order of time. Lines are decoded when they are asked for."""

    header: Header
    times: tuple[float, ...] = ()
    """Of each line, in seconds since the recording began; never falling."""
    kinds: tuple[str, ...] = ()
    """Of each line, such as ``frames``."""
    whole: bool = True
    """Whether it was ended as it should be, and not cut off."""
    skipped: int = 0
    """Lines that could not be read."""
    ended: float = 0.0
    """When it ended, in seconds since it began."""
    _lines: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def began(self) -> float:
        """When it began, in seconds since the epoch."""
        return self.header.began.timestamp()

    @property
    def duration(self) -> float:
        """In seconds."""
        return max(self.ended, self.times[-1] if self.times else 0.0)

    def __len__(self) -> int:
        return len(self._lines)

    def line(self, at: int) -> Line | None:
        """One line; None where only its kind and its time could be read."""
        return line_of(self._lines[at])

    @property
    def trouble(self) -> str:
        """One sentence on what is missing; empty where nothing is."""
        parts = []
        if not self.whole:
            parts.append(f"was cut off after {clock(self.duration)}")
        if self.skipped:
            lines = "line" if self.skipped == 1 else "lines"
            parts.append(f"has {self.skipped:,} {lines} that cannot be read")
        said = " and ".join(parts)
        return f"The recording {said}: what is there is played." if parts else ""


def clock(seconds: float) -> str:
    """``01:05`` or ``1:01:05``."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    short = f"{rest // 60:02}:{rest % 60:02}"
    return f"{hours}:{short}" if hours else short


def read(path: Path) -> Recording:
    """Read a recording, compressed or not.

    Raises:
        RecordingError: it is none, or from a newer version, or cannot be read at all.
    """
    try:
        with path.open("rb") as file:
            return _read(path, file)
    except IsADirectoryError:
        raise RecordingError(f"{path} is a folder: name a recording.") from None
    except FileNotFoundError:
        raise RecordingError(f"There is no file {path}: make one with record.") from None
    except OSError as error:
        raise RecordingError(f"{path} cannot be read ({error.strerror or error}).") from None


def _read(path: Path, file: BinaryIO) -> Recording:
    source = _Source(path, file)
    lines = _lines(source)
    first = next(lines, None)
    if first is None:
        what = "is cut off before anything can be read" if source.cut_off else "is empty"
        raise RecordingError(f"{path} {what}: it is not a recording; make one with record.")
    header = _header(path, first)
    kept: list[tuple[float, str, bytes]] = []
    ended, whole, skipped, latest = 0.0, False, 0, 0.0
    for data in lines:
        whole = False
        stamp = stamp_of(data) if data is not None else None
        if stamp is None or not 0 <= stamp.at < 1e9:
            skipped += 1
            continue
        latest = max(latest, stamp.at)  # the clock of a machine may be put back
        if stamp.kind == "end":
            ended, whole = latest, True
        elif stamp.kind in _KNOWN and data is not None:
            kept.append((latest, stamp.kind, data))
        else:
            skipped += 1
    whole = whole and not source.cut_off
    return Recording(
        header=header,
        times=tuple(at for at, _, _ in kept),
        kinds=tuple(kind for _, kind, _ in kept),
        whole=whole,
        # The line in which it was cut off is not one that is damaged.
        skipped=skipped - (source.rest_is_broken and skipped > 0),
        ended=ended,
        _lines=tuple(data for _, _, data in kept),
    )


def _header(path: Path, first: bytes) -> Header:
    version = version_of(first)
    if version is not None and version > VERSION:
        raise RecordingError(
            f"{path} was made by a newer durably-tui (format {version}; this one reads up to "
            f"{VERSION}): update durably-tui to replay it."
        )
    header = header_of(first)
    if header is None:
        raise RecordingError(
            f"{path} is not a recording of durably-tui: make one, such as with "
            "durably-tui record jobs.ndjson."
        )
    return header


class _Source:
    """The text of a file in chunks, unpacked where that is needed."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.cut_off = False
        """Whether what was compressed ends too early, or is damaged."""
        self.rest_is_broken = False
        """Whether the text ends within a line."""
        self._path = path
        self._file = file

    def chunks(self) -> Iterator[bytes]:
        """The text.

        Raises:
            RecordingError: it is too large to be held.
        """
        head = self._file.read(len(MAGIC))
        self._file.seek(0)
        size = 0
        for chunk in self._packed() if head == MAGIC else self._plain():
            size += len(chunk)
            if size > MAX_BYTES:
                raise RecordingError(
                    f"{self._path} is too large to be replayed: more than "
                    f"{MAX_BYTES // 1024 // 1024} MB of text; record for a shorter time."
                )
            yield chunk

    def _plain(self) -> Iterator[bytes]:
        while chunk := self._file.read(_CHUNK):
            yield chunk

    def _packed(self) -> Iterator[bytes]:
        module = zstd(str(self._path))
        with module.ZstdFile(self._file) as packed:
            while True:
                try:
                    # One read of what is below: an error must not take with it what came before.
                    chunk = packed.read1(_CHUNK)
                except (EOFError, module.ZstdError):
                    self.cut_off = True
                    return
                if not chunk:
                    return
                yield chunk


def _lines(source: _Source) -> Iterator[bytes]:
    """Whole lines without their ends, empty ones left out; the last may be a part of one."""
    parts: list[bytes] = []
    size = 0
    is_first = True
    for chunk in source.chunks():
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            data = b"".join((*parts, line))
            parts, size = [], 0
            if data.strip():
                is_first = False
                yield data
        if rest:
            parts.append(rest)
            size += len(rest)
        if is_first and size > _MAX_HEADER:
            break  # no header is as long as that: it is something else
    if parts:
        source.rest_is_broken = stamp_of(last := b"".join(parts)) is None
        yield last
