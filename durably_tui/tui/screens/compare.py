"""``=``: two runs side by side, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from durably_tui.protocol import Run
from durably_tui.text import TimeStyle, compact_json, moment, safe, took
from durably_tui.tui.widgets.run_table import run_seconds

MOST_LINES = 400
"""Lines of an input or output that are shown; a longer one says how much is left out."""
_MOST_TEXT = 300

Line = tuple[str, str, str]
"""A name, and what each run has under it."""


def differences(left: Run, right: Run, now: float) -> Iterator[Line]:
    """What two runs are, a line for each field and for each value inside input and output."""
    yield "id", left.id, right.id
    yield "job", left.job_name, right.job_name
    yield "status", left.status, right.status
    for name, key in (("created", "created_at"), ("started", "started_at")):
        yield name, _time(getattr(left, key), now), _time(getattr(right, key), now)
    yield "took", _took(left, now), _took(right, now)
    yield "steps done", str(left.completed_step_count), str(right.completed_step_count)
    yield "error", left.error or "", right.error or ""
    for name, a, b in (
        ("label", left.labels, right.labels),
        ("input", left.input, right.input),
        ("output", left.output, right.output),
    ):
        yield from _inside(name, a, b)


def _inside(name: str, left: Any, right: Any) -> Iterator[Line]:
    """A line for each value; a branch that only one of them has is one line of JSON."""
    lines = list(_leaves(name, left, right))
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        rest = f"{len(lines) - MOST_LINES} more values"
        yield name, rest, rest


def _leaves(path: str, left: Any, right: Any) -> Iterator[Line]:
    todo = [(path, left, right)]
    while todo:
        at, a, b = todo.pop()
        if isinstance(a, dict) and isinstance(b, dict):
            keys = list(dict.fromkeys((*a, *b)))
            todo += [(f"{at}.{key}", a.get(key, _GONE), b.get(key, _GONE)) for key in keys[::-1]]
        elif isinstance(a, list) and isinstance(b, list):
            for i in range(max(len(a), len(b)) - 1, -1, -1):
                pair = (a[i] if i < len(a) else _GONE, b[i] if i < len(b) else _GONE)
                todo.append((f"{at}[{i}]", *pair))
        else:
            yield at, _json(a), _json(b)


_GONE = object()
"""What the other run has and this one has not."""


def _json(value: Any) -> str:
    if value is _GONE:
        return ""
    return compact_json(value)


def _time(at: Any, now: float) -> str:
    return "" if at is None else moment(at, TimeStyle.LOCAL, now).strip()


def _took(run: Run, now: float) -> str:
    span = run_seconds(run, now)
    return "" if span is None else f"{'' if span[1] else '~'}{took(span[0])}"


class CompareScreen(ModalScreen[None]):
    """Two runs side by side; ``d`` shows only what differs, any of Esc, q and = closes."""

    CSS_PATH = "compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q,equals_sign,enter", "dismiss", "Close"),
        ("d", "differing", "Only what differs"),
        ("j,down", "scroll(1)", "Down"),
        ("k,up", "scroll(-1)", "Up"),
    ]

    def __init__(self, left: Run, right: Run, now: float) -> None:
        """Compare two runs as they are at ``now``, in seconds since the epoch."""
        super().__init__()
        self._lines = list(differences(left, right, now))
        self._differing = False

    def compose(self) -> ComposeResult:
        """One table of three columns."""
        with VerticalScroll(id="compare") as box:
            box.border_title = "Two runs"
            box.border_subtitle = "d only what differs · Esc closes"
            yield Static(self._table(), id="compared")

    def _table(self) -> Table:
        table = Table.grid(
            padding=(0, 1), expand=True
        )  # two ids fit beside each other in 80 columns
        table.add_column(no_wrap=True, max_width=30)
        table.add_column(ratio=1, overflow="fold")
        table.add_column(ratio=1, overflow="fold")
        for name, left, right in self._lines:
            same = left == right
            if same and self._differing:
                continue
            # A sign as well as a colour: some people and some terminals have none.
            mark = "  " if same else "* "
            styles = ("dim", "dim") if same else ("bold yellow", "bold cyan")
            table.add_row(
                Text(f"{mark}{safe(name, limit=60)}", style="dim" if same else "bold"),
                Text(safe(left, limit=_MOST_TEXT), style=styles[0]),
                Text(safe(right, limit=_MOST_TEXT), style=styles[1]),
            )
        return table

    def action_differing(self) -> None:
        """Show only what differs, or everything."""
        self._differing = not self._differing
        self.query_one("#compared", Static).update(self._table())

    def action_scroll(self, lines: int) -> None:
        """Scroll by a line."""
        self.query_one("#compare", VerticalScroll).scroll_relative(y=lines, animate=False)
