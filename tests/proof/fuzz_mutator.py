"""What turns a good input into a bad one: by bytes, by lines, and by the values of its JSON."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from support.hostile import HOSTILE

_STRANGE: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        2**31,
        2**63,
        -(2**63) - 1,
        2**64,
        10**40,
        0.0,
        -0.0,
        1e308,
        5e-324,
    ),
    *(
        "",
        " ",
        "null",
        "0",
        "-1",
        "NaN",
        "1e999",
        "2026-13-45T99:99:99.999Z",
        "9999-12-31T23:59:59Z",
    ),
    *("0001-01-01T00:00:00+23:59", "leased", "running", "gap", "run:complete", "run:start", "\0"),
    *([], {}, [[]], {"": ""}, [None] * 30, {"type": "run:fail"}, {"current": -1, "total": 0}),
    *({"current": 2**70, "total": "x", "message": []}, ["x" * 300], {"runId": {"runId": []}}),
)
_PIECES: tuple[bytes, ...] = (
    *(
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\0",
        b"\xff",
        b"\xc3\x28",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
    ),
    *(b"data: ", b"data:", b"id: 7\n", b"event: x\n", b"retry: 99999999999\n", b": hello\n", b"{}"),
    *(b'"', b"\\", b"\\u0000", b"\\ud800", b"\\udc00\\ud83d", b"[" * 2000, b"]" * 40, b"{" * 900),
    *(b"1e999", b"-", b"9" * 400, b"0.1e-400", b"NaN", b"Infinity", b",", b":", b"\xe2\x80\xa8"),
    *(b"x" * 5000, b'"a":' * 200, b"\x1b[31m", b"null", b"true", b'"type":"run:retry",'),
)


class Mutator:
    """Mutates what it is given; all chance is in ``dice``."""

    def __init__(self, dice: random.Random, corpus: Sequence[bytes]) -> None:
        self.dice = dice
        self.corpus = list(corpus)

    def one(self) -> bytes:
        """A mutated input."""
        return self.mutated(self.dice.choice(self.corpus))

    def mutated(self, whole: bytes) -> bytes:
        """One to four changes, by value where it is JSON and by bytes."""
        for _ in range(1 + int(self.dice.random() ** 3 * 4)):
            by_value = self.dice.random() < 0.75
            whole = self._by_value(whole) if by_value else self._by_bytes(whole)
        return whole

    def _by_bytes(self, whole: bytes) -> bytes:
        dice = self.dice
        at, to = sorted((dice.randrange(len(whole) + 1), dice.randrange(len(whole) + 1)))
        match dice.randrange(7):
            case 0:
                return whole[:at]
            case 1:
                return whole[:at] + whole[to:]
            case 2:
                return whole[:at] + dice.choice(_PIECES) + whole[at:]
            case 3:
                return whole[:at] + dice.choice(_PIECES) + whole[to:]
            case 4:
                return whole[:to] + whole[at:]  # a part twice
            case 5:
                other = dice.choice(self.corpus)
                return whole[:at] + other[dice.randrange(len(other) + 1) :]
            case _:
                bad = bytearray(whole)
                for _ in range(min(len(bad), 1 + dice.randrange(4))):
                    bad[dice.randrange(len(bad))] = dice.randrange(256)
                return bytes(bad)

    def _by_value(self, whole: bytes) -> bytes:
        head, _, body = whole.rpartition(b"data: ") if b"data: " in whole else (b"", b"", whole)
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return self._by_bytes(whole)
        value = self._changed(value)
        prefix = head + b"data: " if len(head) or whole.startswith(b"data: ") else b""
        return prefix + json.dumps(value, ensure_ascii=self.dice.random() < 0.5).encode(
            errors="surrogatepass"
        )

    def _changed(self, value: Any) -> Any:
        dice = self.dice
        if isinstance(value, dict) and value and dice.random() < 0.85:
            key = dice.choice(list(value))
            match dice.randrange(5):
                case 0:
                    value.pop(key)
                case 1:
                    value[dice.choice(HOSTILE)[:80]] = self._strange()
                case 2:
                    value[key] = self._strange()
                case 3:
                    value[dice.choice(["extra", "type", "runId", "status", key + "x"])] = value[key]
                case _:
                    value[key] = self._changed(value[key])
            return value
        if isinstance(value, list) and value and dice.random() < 0.85:
            at = dice.randrange(len(value))
            match dice.randrange(4):
                case 0:
                    value.pop(at)
                case 1:
                    value.append(value[at])
                case 2:
                    value[at] = self._strange()
                case _:
                    value[at] = self._changed(value[at])
            return value
        return self._strange()

    def _strange(self) -> Any:
        return self.dice.choice(_STRANGE if self.dice.random() < 0.7 else HOSTILE)
