"""Measuring in pairs: subject and reference in turn, so that a drifting machine hits both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median


def paired(
    subject: Callable[[], float], reference: Callable[[], float], rounds: int
) -> tuple[float, float, float]:
    """Medians of both and of the ratios pair by pair, after one round that is not counted."""
    subject()
    reference()
    return medians([(subject(), reference()) for _ in range(rounds)])


def medians(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Medians of ours, of the reference's, and of the ratios pair by pair."""
    ours, theirs = zip(*pairs, strict=True)
    return median(ours), median(theirs), median(a / b for a, b in pairs)


def row(what: str, ours: str, reference: str, ratio: float, goal: str) -> None:
    """Print one figure."""
    print(f"{what:<58} {ours:>16} {reference:>16}   x{ratio:<7.2f} goal {goal}", flush=True)


def heading(title: str) -> None:
    """Print the heading of a suite."""
    print(f"\n{title}\n{'':<58} {'durably-tui':>16} {'reference':>16}   ratio", flush=True)
