"""Suites that show what the README claims; each is a program: ``python -m tests.proof.chaos``."""

import sys
from pathlib import Path

# The suites share the servers of the tests, which know each other as `support`.
_TESTS = str(Path(__file__).parents[1])
if _TESTS not in sys.path:
    sys.path.insert(0, _TESTS)
