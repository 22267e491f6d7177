"""A group of failures in detail: what it is, and the newest of its errors whole."""

from __future__ import annotations

from datetime import UTC, datetime

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Static

from durably_tui.state import ErrorGroup
from durably_tui.text import TimeStyle, compact_json, moment, safe, short_id

from .json_view import JsonView

_IDS = 5


class ErrorDetail(Vertical):
    """The facts of one group above its sample error, which scrolls."""

    DEFAULT_CSS = """
    ErrorDetail {
        height: 1fr;
        #facts { height: auto; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
        JsonView { height: 1fr; padding: 0 1; }
    }
    """

    facts = query_one("#facts", Static)
    sample = query_one(JsonView)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: str | None = None

    def compose(self) -> ComposeResult:
        """The facts, then the error."""
        yield Static(id="facts")
        yield JsonView(id="sample")

    def show(self, group: ErrorGroup | None, now: float, style: TimeStyle) -> None:
        """Show a group as it is at ``now``, in seconds since the epoch."""
        if group is None:
            self.facts.update(Content.styled("No error is selected.", "$text-muted"))
            error = ""
        else:
            self.facts.update(_facts(group, now, style))
            error = group.sample.error
        if error != self._shown:
            self._shown = error
            self.sample.show(error)


def _facts(group: ErrorGroup, now: float, style: TimeStyle) -> Content:
    sample = group.sample
    step = "in an unknown step"
    if group.step_name is not None:
        step = f"in step {safe(group.step_name, limit=120)}"
    ids = "  ".join(short_id(failure.run_id) for failure in group.failures[:_IDS])
    more = f"  and {group.count - _IDS} more" if group.count > _IDS else ""
    rows = [
        ("job", f"{safe(group.job_name, limit=120)}  {step}"),
        ("failed", f"{_times(group.count)}: {_since(group)}; {_when(group, now, style)}"),
        ("runs", ids + more),
    ]
    if sample.has_input:
        rows.append(("input", compact_json(sample.input, 300)))
    lines = [
        Content.styled(f"{name:>6}  ", "$text-muted") + Content(text.replace("\n", " "))
        for name, text in rows
    ]
    return Content("\n").join(lines)


def _when(group: ErrorGroup, now: float, style: TimeStyle) -> str:
    first, last = (
        moment(datetime.fromtimestamp(at, UTC), style, now)
        for at in (group.first_at, group.last_at)
    )
    return f"last {last}" if group.count == 1 else f"first {first}, last {last}"


def _since(group: ErrorGroup) -> str:
    """What became of the failures, in words."""
    if group.through == group.count:
        return "all came through since, or newer runs with the same input did"
    again = group.count - group.through - len(group.open)
    numbers = {"came through since": group.through, "tried again": again}
    told = [f"{number} {what}" for what, number in numbers.items() if number]
    return ", ".join([*told, f"{len(group.open)} still failed"])


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
