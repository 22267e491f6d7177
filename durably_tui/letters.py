"""Whether a terminal is drawn on with ASCII only: the monitor's rule, which the doctor tells."""

from __future__ import annotations

import sys
from collections.abc import Mapping


def takes_glyphs(encoding: str | None, environ: Mapping[str, str]) -> bool:
    """Whether text of this encoding, in this environment, may be more than ASCII."""
    if sys.flags.utf8_mode and asks_for_ascii(environ):
        return False
    return (encoding or "").lower().replace("-", "").startswith("utf")


def asks_for_ascii(environ: Mapping[str, str]) -> bool:
    """Whether the user's locale is C by their own wish, though Python writes UTF-8 in it.

    Python does so in the locale C, whether it was set or there is none (PEP 538, 540), and sets
    ``LC_CTYPE``. Where none is set, as in containers, the terminal mostly knows UTF-8.
    """
    if environ.get("PYTHONUTF8"):
        return False
    names = [environ.get("LC_ALL"), environ.get("LC_CTYPE"), environ.get("LANG")]
    if names[1] == "C.UTF-8":
        names[1] = None  # by Python
    return next(filter(None, names), "") in {"C", "POSIX"}
