"""Writing a recording: lines into one file, whole lines at a time."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from .errors import RecordingError
from .packed import SUFFIX, zstd
from .words import Header, Line, encoded


class Writer:
    """One file that is being written. Made by ``Writer.create``.

    What was added is in the file after ``flush``: a recording that is cut off afterwards can be
    played up to there.
    """

    def __init__(self, path: Path, file: BinaryIO, packer: Any) -> None:
        self.path = path
        self.size = 0
        """Bytes in the file."""
        self._file = file
        self._packer = packer
        self._waiting: list[bytes] = []

    @classmethod
    def create(cls, path: Path, header: Header, *, force: bool = False) -> Writer:
        """Make the file, readable by its owner only, since inputs of jobs may be private.

        Args:
            path: compressed with zstd where its name ends in ``.zst``.
            header: the first line.
            force: write over a file that is there.

        Raises:
            RecordingError: it cannot be created; what is there is as before.
        """
        check(path, force=force)
        module = zstd(str(path)) if path.suffix == SUFFIX else None
        flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)
        flags |= os.O_TRUNC if force else os.O_EXCL
        try:
            file = os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0)
        except OSError as error:
            raise _cannot(path, error) from None
        if force:
            _keep_from_others(file.fileno())
        writer = cls(path, file, None if module is None else module.ZstdCompressor())
        writer._waiting.append(encoded(header))
        return writer

    def add(self, line: Line) -> None:
        """Put a line behind the others. Nothing is written yet."""
        self._waiting.append(encoded(line))

    def flush(self) -> None:
        """Write what waits.

        Raises:
            RecordingError: it cannot be written, as when the disk is full.
        """
        if not self._waiting:
            return
        data, self._waiting = b"".join(self._waiting), []
        if self._packer is not None:
            data = self._packer.compress(data, self._packer.FLUSH_BLOCK)
        self._write(data)

    def close(self) -> None:
        """Write what waits, and close the file.

        Raises:
            RecordingError: it cannot be written; the file is closed all the same.
        """
        try:
            self.flush()
            if self._packer is not None:
                self._write(self._packer.flush())
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close the file as it is."""
        self._waiting = []
        self._file.close()

    def discard(self) -> None:
        """Close the file and take it away: nothing worth keeping has come."""
        self.abandon()
        with suppress(OSError):
            self.path.unlink()

    def _write(self, data: bytes) -> None:
        try:
            left = memoryview(data)
            while left:
                written = self._file.write(left)
                self.size += written
                left = left[written:]
        except OSError as error:
            raise RecordingError(
                f"{self.path} cannot be written any more ({error.strerror or error}): "
                "what is in it by now can be replayed."
            ) from None


def check(path: Path, *, force: bool = False) -> None:
    """See that a recording could be written there, without writing.

    Raises:
        RecordingError: it could not, or a file is there and ``force`` was not said.
    """
    if path.is_dir():
        raise RecordingError(f"{path} is a folder: name a file in it, such as {path / 'jobs.zst'}.")
    if not force and os.path.lexists(path):
        raise RecordingError(
            f"{path} already exists, and was left as it is: name another file, or overwrite "
            "it with --force."
        )
    if not path.parent.is_dir():
        raise RecordingError(f"{path} cannot be created: there is no folder {path.parent}.")
    if path.suffix == SUFFIX:
        zstd(str(path))


def _keep_from_others(number: int) -> None:
    """A file that was there has the rights that it had; a device is not ours to change."""
    if stat.S_ISREG(os.fstat(number).st_mode) and hasattr(os, "fchmod"):
        with suppress(OSError):  # another's file, which we may write
            os.fchmod(number, 0o600)


def _cannot(path: Path, error: OSError) -> RecordingError:
    return RecordingError(
        f"{path} cannot be created ({error.strerror or error}): name a file that you may write to."
    )
