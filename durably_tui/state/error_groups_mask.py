"""What is the same in many error messages: the message with what differs from run to run masked.

Masked are UUIDs, ULIDs, times, addresses, quoted paths, hexadecimal and other opaque ids, and
numbers. Every pattern is linear, and only the beginning of a message is looked at.
"""

from __future__ import annotations

import re
from functools import lru_cache

LOOKED_AT = 2_000
"""Characters of a message."""

_HEX = "[0-9a-fA-F]"
_DATE = r"\d{4}-\d\d-\d\d"
_CLOCK = r"\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?"
_KINDS = (
    ("uuid", rf"\b{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}\b"),
    ("time", rf"\b{_DATE}(?:[T ]{_CLOCK})?(?!\d)"),
    *(
        ("path", rf"(?<={quote})(?!\s)[^{quote}\n]{{0,300}}[/\\][^{quote}\n]{{0,300}}(?={quote})")
        for quote in "'\"`"
    ),
    ("address", r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d{1,5})?\b"),
    ("hex", rf"\b0[xX]{_HEX}+\b"),
    # Letters and at least two digits: not a word, not a number.
    (
        "id",
        r"(?<![0-9a-zA-Z])(?=\d*[a-zA-Z])(?=[a-zA-Z]*\d[a-zA-Z]*\d)[0-9a-zA-Z]{8,}(?![0-9a-zA-Z])",
    ),
    ("n", r"\d+(?:[.,]\d+)*"),
)
_ANY = re.compile("|".join(f"(?P<{kind}_{at}>{each})" for at, (kind, each) in enumerate(_KINDS)))
_MASK = re.compile(r"<(?:uuid|time|path|address|hex|id|n)>")


def masked(message: str) -> str:
    """What a message has in common with others of its kind, on one line.

    Of a traceback that is its last line; of any other text, its first.
    """
    return _masked(message[: LOOKED_AT + 1])


@lru_cache(4_096)
def _masked(message: str) -> str:
    lines = [line for line in message.splitlines() if line.strip()]
    if not lines:
        return ""
    is_traceback = lines[0].startswith("Traceback ") and len(message) <= LOOKED_AT
    line = " ".join((lines[-1] if is_traceback else lines[0]).split())
    return _ANY.sub(_mask, line)


def fragment(message: str) -> str:
    """The longest part of a message that others of its kind have as well, such as to search for.

    It has no quotation mark in it; empty where nothing of at least three characters is left.
    """
    parts = (part.strip() for text in _MASK.split(masked(message)) for part in text.split('"'))
    whole = message.casefold()
    known = [part for part in parts if len(part) > 2 and part.casefold() in whole]
    return max(known, key=len, default="")


def _mask(found: re.Match[str]) -> str:
    return f"<{(found.lastgroup or 'n').partition('_')[0]}>"
