"""Every command, declared once: the help is made of this, and nothing of it is imported before."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One command."""

    name: str
    panel: str
    """The heading that it stands under in the help."""
    help: str
    """One line."""
    examples: tuple[str, ...] = ()
    """Without the word ``durably-tui``."""


ENTRIES: tuple[Entry, ...] = (
    Entry(
        "open",
        "Watch",
        "Open the monitor; the word open may be left out.",
        (
            "https://jobs.example/api/durably",
            "prod --job import-csv --status failed",
            "prod run ID",
        ),
    ),
    Entry("demo", "Watch", "Open the monitor on an embedded server with jobs worth watching."),
    Entry(
        "watch",
        "Watch",
        "Show the progress of runs until they end.",
        ("watch", "watch 5GRKXM7", "trigger import-csv | durably-tui watch"),
    ),
    Entry(
        "events",
        "Watch",
        "Print the stream of events, one JSON object per line.",
        ("events", "events 5GRKXM7", "events --job import-csv | jq .type"),
    ),
    Entry(
        "record",
        "Watch",
        "Record a server into a file.",
        ("record night.ndjson.zst", "record night.ndjson --for 10m --job import-csv"),
    ),
    Entry(
        "replay",
        "Watch",
        "Open the monitor on a recording.",
        ("replay night.ndjson.zst", "replay night.ndjson.zst --speed 10x --at 1:30"),
    ),
    Entry(
        "runs",
        "Look",
        "List runs.",
        (
            "runs",
            "runs --job import-csv --status failed",
            "runs 'status:failed error:timeout age:<1h' -o id",
            "runs --watch",
        ),
    ),
    Entry("run", "Look", "Show one run.", ("run 5GRKXM7", "run 5GRKXM7 -o json")),
    Entry("steps", "Look", "List the steps of a run.", ("steps 5GRKXM7",)),
    Entry(
        "logs",
        "Look",
        "Print log lines of runs.",
        ("logs 5GRKXM7", "logs -f --level warn 5GRKXM7", "logs --since 10m --grep timeout 5GRKXM7"),
    ),
    Entry("jobs", "Look", "List jobs.", ("jobs",)),
    Entry(
        "stats",
        "Look",
        "Counts, failure rates and durations of each job.",
        ("stats", "stats --window 24h"),
    ),
    Entry(
        "trigger",
        "Act",
        "Trigger a new run of a job.",
        (
            'trigger import-csv --input \'{"file": "a.csv"}\'',
            "trigger import-csv --input @input.json --label env=prod --wait",
        ),
    ),
    Entry(
        "retry",
        "Act",
        "Resume failed or cancelled runs after their last finished step.",
        ("retry 5GRKXM7", "retry --filter 'status:failed age:<1h' --dry-run"),
    ),
    Entry("retrigger", "Act", "Make new runs with the same input.", ("retrigger 5GRKXM7",)),
    Entry(
        "cancel",
        "Act",
        "Cancel runs that are pending or running.",
        ("cancel 5GRKXM7", "cancel --filter job:import-csv --yes"),
    ),
    Entry(
        "delete",
        "Act",
        "Delete runs that have ended.",
        ("delete 5GRKXM7", "delete --filter 'status:completed age:>30d' --yes"),
    ),
    Entry(
        "wait",
        "Act",
        "Wait until runs have ended.",
        ("wait 5GRKXM7 --timeout 10m", "trigger import-csv | durably-tui wait"),
    ),
    Entry("serve", "Serve", "Serve jobs that are written in Python, and work on them."),
    Entry("servers", "Set up", "List the configured servers.", ("servers",)),
    Entry(
        "doctor", "Set up", "Find out why a server cannot be watched.", ("doctor", "doctor -s prod")
    ),
    Entry("config", "Set up", "Show or edit the configuration.", ("config show", "config edit")),
    Entry(
        "completion", "Set up", "Complete commands and options in a shell.", ("completion bash",)
    ),
)

ENTRY: dict[str, Entry] = {entry.name: entry for entry in ENTRIES}
"""By name."""
