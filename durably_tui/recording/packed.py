"""zstd, from where it is: Python 3.14 has it, before that it is the extra ``zst``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .errors import RecordingError

if TYPE_CHECKING:
    from types import ModuleType

MAGIC = b"\x28\xb5\x2f\xfd"
"""How what zstd has made begins."""
SUFFIX = ".zst"


def zstd(what: str) -> ModuleType | Any:
    """The module.

    Args:
        what: what needs it, for the sentence.

    Raises:
        RecordingError: it is not installed.
    """
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd as module
        else:
            from backports import zstd as module
    except ImportError:
        raise RecordingError(
            f"{what} is compressed with zstd, for which a package is missing here: "
            "pip install 'durably-tui[zst]'; a recording whose name ends in .ndjson needs nothing."
        ) from None
    return module
