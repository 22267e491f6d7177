"""Texts that try to break a terminal or a column, and the check that they did not."""

from __future__ import annotations

import unicodedata

HOSTILE = (
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1bP+q544e\x1b\\",
    "\x9b31m C1 \x9d52;c;x\x9c",
    "[red]markup[/] [@click=app.bell]x[/]",
    "error at [/a/b]",
    "list[int] and [bold",
    "\u202eevil\u202c \u2066iso\u2069 \u200erl\u200f\u061c",
    "nul\x00byte \x7fdel \x08\x08back",
    "zero\u200bwidth\u200cand\u200djoin\ufeff\u00ad\u2060",
    "👨\u200d👩\u200d👧\u200d👦 👍🏽 ❤\ufe0f 🇩🇪 1\ufe0f\u20e3 🫠",
    "漢字かな交じり文 한국어 中文字符",
    "e\u0301 a\u0300\u0301\u0302\u0303\u0304 \u0301start z" + "\u0335" * 50,
    "tab\tand\ttab",
    "carriage\rreturn\r\nline\nfeed\x0bvt\x0cff",
    "lines\u2028and\u2029paragraphs\x85nel",
    "שלום עולם مرحبا بالعالم 123",
    "हिन्दी ไทย ᄀ\u1161\u11a8 \u1161\u3164\uffa0",
    "lone \ud800 surrogate \udfff",
    "tags \U000e0041\U000e007f vs \ufe00 \U000e0100",
    "\u00a0\u3000\u2003spaces\u202f",
    "☰ ䷀ ㉈ 𝌆 𝍠 \ue0b0 \U0010ffff \uffff",
    "x" * 5000,
    "界" * 3000,
    "",
)
"""Each must be inert, and must not move what stands beside it."""


def bundles(size: int = 4) -> list[str]:
    """The same texts, several in one where they are short, as text that JSON over HTTP carries."""
    short = [text for text in HOSTILE if 0 < len(text) < 200]
    long = [text for text in HOSTILE if len(text) >= 200]
    texts = [*(" | ".join(short[at : at + size]) for at in range(0, len(short), size)), *long]
    return [text.encode("utf-8", "replace").decode() for text in texts]


def is_inert(text: str) -> bool:
    """Whether a text holds nothing but characters that a terminal draws."""
    return not any(
        unicodedata.category(char) in {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"} or char == "\u00ad"
        for char in text
    )
