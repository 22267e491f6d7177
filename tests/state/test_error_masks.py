"""What differs from run to run is masked in the message of a failure."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durably_tui.state import fragment, masked


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("", ""),
        (" \n ", ""),
        ("disk is full", "disk is full"),
        ("row 67 of 1,000.5 failed", "row <n> of <n> failed"),
        ("row-67", "row-<n>"),
        ("HTTP 503 from https://x-1.example/a", "HTTP <n> from https://x-<n>.example/a"),
        ("connect 10.0.0.1:8080 refused", "connect <address> refused"),
        ("at 0xDEADbeef", "at <hex>"),
        ("no 6ba7b810-9dad-11d1-80b4-00c04fd430c8!", "no <uuid>!"),
        ("run 01M8282KYV17F23NBF8906BXZZ", "run <id>"),
        ("no customer cus_9f8a7b12cd", "no customer cus_<id>"),
        ("since 2026-05-14T12:00:03.412Z", "since <time>"),
        ("since 2026-05-14 12:00:03+02:00, and 2026-05-14", "since <time>, and <time>"),
        ("can't open file '/tmp/a b/x.csv'", "can't open file '<path>'"),
        ('open "C:\\data\\x.csv"', 'open "<path>"'),
        ("'a' / 'b'", "'a' / 'b'"),
        ("error at [/a/b] list[int]", "error at [/a/b] list[int]"),
        ("first\nsecond 2", "first"),
        ("  spread \t out\u00a0here ", "spread out here"),
        ("Traceback (most recent call last):\n  File x\n\nE: bad 3\n", "E: bad <n>"),
        ("administrator internationalization", "administrator internationalization"),
    ],
)  # fmt: skip
def test_what_differs_from_run_to_run_is_masked(message: str, shown: str) -> None:
    assert masked(message) == shown


@given(st.text() | st.text(alphabet="a1'/\\\".:-0x \n<>"))
def test_masking_again_changes_nothing(message: str) -> None:
    shown = masked(message)
    assert masked(shown) == shown
    assert "\n" not in shown


@given(st.text(alphabet="ab1'/\".:-0x \n"))
def test_the_fragment_is_in_the_message(message: str) -> None:
    part = fragment(message)
    assert part.casefold() in message.casefold()
    assert '"' not in part


@pytest.mark.parametrize(
    ("message", "part"),
    [
        ("row 67 of import-csv failed", "of import-csv failed"),
        ('said "no such table" at 3', "no such table"),
        ("spread   out 1", ""),
        ("1 2 3", ""),
    ],
)
def test_what_a_kind_of_message_can_be_searched_by(message: str, part: str) -> None:
    assert fragment(message) == part


@pytest.mark.parametrize("evil", ["'", "'a/", "a1", "1,", "0x", "1.1.1.", "2026-01-01T", "a" * 9])
def test_no_message_takes_long(evil: str) -> None:
    began = time.monotonic()
    masked(evil * 1_000_000)
    masked("'" + evil * 1_000_000)
    assert time.monotonic() - began < 1
