"""Jobs and labels that were seen of a server, for whatever is completed with them."""

from __future__ import annotations

from collections.abc import Iterable

from durably_tui.filters import KEYS
from durably_tui.protocol import Run, RunStatus

from .widgets.kept import Kept

MOST_LABELS = 1_000
"""So many are remembered: a label may be another one in every run."""


class Seen:
    """Words that a filter can be completed with, in every place of the server."""

    def __init__(self) -> None:
        self.jobs: dict[str, None] = {}
        self.labels: dict[str, None] = Kept(MOST_LABELS)

    def take(self, runs: Iterable[Run]) -> None:
        """Remember the jobs and labels of these runs."""
        for run in runs:
            self.jobs.setdefault(run.job_name)
            for key, value in run.labels.items():
                if (label := f"{key}={value}") not in self.labels:  # else it keeps its place
                    self.labels[label] = None

    def completions(self, word: str) -> list[str]:
        """What the last word of a filter can become, itself first where it is whole."""
        minus, body = ("-", word[1:]) if word.startswith("-") else ("", word)
        key, colon, value = body.partition(":")
        if not colon:
            return [f"{minus}{name}:" for name in KEYS if name.startswith(body)]
        before, last = parted(value, ",")
        choices: Iterable[str] = {
            "status": [status for status in RunStatus if status is not RunStatus.UNKNOWN],
            "job": self.jobs,
            "label": self.labels,
        }.get(key.lower(), ())
        return [
            f"{minus}{key}:{before}{written}"
            for choice in choices
            if (written := _quoted(choice)) != last
            and (choice.startswith(last) or written.startswith(last))
        ]

    def lines(self, line: str) -> list[str]:
        """What a whole line can become, by its last word."""
        head, word = parted(line, " ")
        return [f"{head}{found}" for found in self.completions(word)]


def parted(text: str, at: str) -> tuple[str, str]:
    """A text in two, behind the last ``at`` that is not in quotes."""
    behind, in_quotes = 0, False
    for place, char in enumerate(text):
        if char == '"':
            in_quotes = not in_quotes
        elif char == at and not in_quotes:
            behind = place + 1
    return text[:behind], text[behind:]


def _quoted(choice: str) -> str:
    return f'"{choice}"' if set(choice) & set(' ,:"') else choice
