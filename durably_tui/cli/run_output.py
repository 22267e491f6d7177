"""How runs are printed, in each of the ways that ``runs`` can be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from durably_tui.protocol import Run

Output = Literal["table", "wide", "json", "ndjson", "csv", "id"]


def print_runs(runs: Sequence[Run], kind: Output, *, heading: bool = True) -> None:
    """Print runs; ``heading``: those of a table or of CSV with their titles above."""
    from durably_tui.shapes import run_json

    from .said import json_lines, json_list, out

    match kind:
        case "id":
            from durably_tui.text import safe

            for run in runs:
                out(safe(run.id))
        case "json":
            json_list(runs, run_json)
        case "ndjson":
            json_lines(runs, run_json)
        case _:
            from .grid import csv_lines, table
            from .run_columns import exact_columns, run_columns

            if kind == "csv":
                csv_lines(exact_columns(), runs, heading=heading)
                return
            table(run_columns(wide=kind == "wide"), runs, heading=heading)
