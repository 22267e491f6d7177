"""Bytes of an event stream into the data of its events.

Follows the HTML standard, section 9.2.6 "Interpreting an event stream", on bytes, at any chunk
boundary, in linear time, with a limit on the size of one event. No I/O. One deviation: an event
whose data is empty carries nothing for a reader of JSON and is left out.
"""

from __future__ import annotations

DEFAULT_MAX_EVENT_BYTES = 8 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_PLAIN = b"data: "
_BETWEEN = b"\n\n" + _PLAIN
_ID = b"id: "
_BETWEEN_IDS = b"\n\n" + _ID
_AFTER_ID = b"\n" + _PLAIN
_MAX_RETRY_DIGITS = 9  # eleven days; and int() refuses what is thousands of digits long


class SseDecoder:
    """An incremental decoder for one connection.

    Attributes:
        last_event_id: the id of the last dispatched event, ``""`` where the server sends none.
        retry_ms: the reconnection time that the server asked for, in ms, or None.
        comments: comment lines seen so far (keep-alives).
        oversized: events dropped because they were larger than ``max_event_bytes``.
    """

    def __init__(self, max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES) -> None:
        self.max_event_bytes = max_event_bytes
        self.last_event_id = ""
        self.retry_ms: int | None = None
        self.comments = 0
        self.oversized = 0
        self._parts: list[bytes] = []
        self._size = 0
        self._at_start = True
        self._after_cr = False
        self._skipping = False

    @property
    def is_between(self) -> bool:
        """Whether nothing was taken that is a part of an event."""
        return not self._parts

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes; return the data of every event that they complete, in order."""
        if self._at_start:
            head = b"".join(self._parts) + chunk
            if len(head) < len(_BOM) and _BOM.startswith(head):
                self._parts = [head]
                return []
            self._at_start = False
            self._parts = []
            chunk = head.removeprefix(_BOM)
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return self._feed_lf(chunk) if chunk else []

    def _feed_lf(self, chunk: bytes) -> list[bytes]:
        """``feed`` once all line ends are LF: a block ends at the first empty line."""
        crosses = bool(self._parts) and self._parts[-1].endswith(b"\n") and chunk[:1] == b"\n"
        end = chunk.rfind(b"\n\n")
        if end < 0 and not crosses:
            self._hold(chunk)
            return []
        cut = end + 2 if end >= 0 else 1
        whole = b"".join((*self._parts, chunk[:cut])) if self._parts else chunk[:cut]
        self._parts = []
        self._size = 0
        skipped, self._skipping = self._skipping, False
        out = None if skipped else self._plain(whole)
        if out is None:
            out = self._blocks(whole.split(b"\n\n")[skipped:-1])
        if cut < len(chunk):
            self._hold(chunk[cut:])
        return out

    def _plain(self, whole: bytes) -> list[bytes] | None:
        """The quick way for what servers send: one data line an event, all with an id before it
        or none.

        None where there is anything else, so that no rule is bent.
        """
        if len(whole) > self.max_event_bytes:
            return None
        if whole.startswith(_ID):
            return self._with_ids(whole)
        if not whole.startswith(_PLAIN):
            return None
        out = whole[len(_PLAIN) : -2].split(_BETWEEN)
        return out if whole.count(b"\n") == 2 * len(out) and all(out) else None

    def _with_ids(self, whole: bytes) -> list[bytes] | None:
        blocks = whole[len(_ID) : -2].split(_BETWEEN_IDS)
        out = [block.partition(_AFTER_ID)[2] for block in blocks]
        # Each block has the line end before its data; as many in all means that none has another.
        if whole.count(b"\n") != 3 * len(out) or b"\0" in whole or not all(out):
            return None
        self.last_event_id = blocks[-1].partition(b"\n")[0].decode("utf-8", "replace")
        return out

    def _blocks(self, blocks: list[bytes]) -> list[bytes]:
        out: list[bytes] = []
        for raw in blocks:
            block = raw.lstrip(b"\n")
            if len(block) > self.max_event_bytes:
                self.oversized += 1
                continue
            data = self._interpret(block)
            if data is not None:
                out.append(data)
        return out

    def _hold(self, part: bytes) -> None:
        """Keep the beginning of a block, or only its last byte once it is too large."""
        if self._skipping:
            self._parts = [part[-1:]]
            return
        if not self._parts:
            # Empty lines before a block mean nothing, and must not count in its size.
            part = part.lstrip(b"\n")
            if not part:
                return
        self._parts.append(part)
        self._size += len(part)
        # The line end that may turn out to close the block is not part of it.
        if self._size - part.endswith(b"\n") > self.max_event_bytes:
            self.oversized += 1
            self._skipping = True
            self._parts = [part[-1:]]
            self._size = 0

    def _interpret(self, block: bytes) -> bytes | None:
        """One block of lines by the standard's rules; None where nothing is dispatched."""
        data: list[bytes] = []
        for line in block.split(b"\n"):
            if line.startswith(b":"):
                self.comments += 1
                continue
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                data.append(value)
            elif field == b"id" and b"\0" not in value:
                self.last_event_id = value.decode("utf-8", "replace")
            elif field == b"retry" and value.isdigit() and len(value) <= _MAX_RETRY_DIGITS:
                self.retry_ms = int(value)
        joined = b"\n".join(data)
        return joined or None
