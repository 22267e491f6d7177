"""Jobs and labels that were seen of a server, for whatever is completed with them."""

from __future__ import annotations

from collections.abc import Iterable

from durably_tui.filters import KEYS
from durably_tui.protocol import Run, RunStatus


class Seen:
    """Words that a filter can be completed with, in every place of the server."""

    def __init__(self) -> None:
        self.jobs: dict[str, None] = {}
        self.labels: dict[str, None] = {}

    def take(self, runs: Iterable[Run]) -> None:
        """Remember the jobs and labels of these runs."""
        for run in runs:
            self.jobs.setdefault(run.job_name)
            for key, value in run.labels.items():
                self.labels.setdefault(f"{key}={value}")

    def completions(self, word: str) -> list[str]:
        """What the last word of a filter can become, itself first where it is whole."""
        minus, body = ("-", word[1:]) if word.startswith("-") else ("", word)
        key, colon, value = body.partition(":")
        if not colon:
            return [f"{minus}{name}:" for name in KEYS if name.startswith(body)]
        before, comma, last = value.rpartition(",")
        choices: Iterable[str] = {
            "status": [status for status in RunStatus if status is not RunStatus.UNKNOWN],
            "job": self.jobs,
            "label": self.labels,
        }.get(key.lower(), ())
        quoted = (f'"{choice}"' if set(choice) & set(' ,:"') else choice for choice in choices)
        return [
            f"{minus}{key}:{before}{comma}{choice}"
            for choice in quoted
            if choice.startswith(last) and choice != last
        ]

    def lines(self, line: str) -> list[str]:
        """What a whole line can become, by its last word."""
        head, blank, word = line.rpartition(" ")
        return [f"{head}{blank}{found}" for found in self.completions(word)]
