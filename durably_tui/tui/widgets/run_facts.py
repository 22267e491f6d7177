"""The overview of a run: its facts, each with a name, as text to read."""

from __future__ import annotations

from datetime import datetime

from textual.content import Content

from durably_tui.protocol import Run, RunStatus, StepStatus
from durably_tui.state import JobRunState
from durably_tui.text import TimeStyle, moment, safe, took

from .look import run_look
from .progress import progress_spans
from .traceback_lines import headline

_COLOURS = {
    RunStatus.PENDING: "$text-warning",
    RunStatus.RUNNING: "bold $text-primary",
    RunStatus.COMPLETED: "$text-success",
    RunStatus.FAILED: "bold $text-error",
    RunStatus.CANCELLED: "$text-muted",
    RunStatus.UNKNOWN: "$text-muted",
}
_PROGRESS_CELLS = 48

Fact = tuple[str, Content | str]
"""What it is called, and what it is."""


def facts_content(
    run: Run,
    state: JobRunState | None,
    now: float,
    *,
    width: int,
    style: TimeStyle,
    kept: bool = False,
    plain: bool = False,
) -> Content:
    """The facts of a run, one below the other.

    Args:
        run: the run.
        state: what was seen of it; None where it was not watched.
        now: seconds since the epoch.
        width: cells that there is room for; what is longer is wrapped.
        style: how times are written.
        kept: whether the server keeps log lines, as it does steps.
        plain: show ASCII only.
    """
    facts = [
        *_outcome(run, state, now, plain=plain),
        *_times(run, state, now, style),
        *_background(run, state, now, kept=kept),
    ]
    indent = max(len(name) for name, _ in facts) + 2
    lines: list[Content] = []
    room = width - indent
    for name, value in facts:
        body = value if isinstance(value, Content) else Content(value)
        first, *rest = body.wrap(room) if room > 8 else [body]
        lines.append(Content.styled(name.rjust(indent - 2) + "  ", "$text-muted") + first)
        lines += [Content(" " * indent) + line for line in rest]
    return Content("\n").join(lines)


def _outcome(run: Run, state: JobRunState | None, now: float, *, plain: bool) -> list[Fact]:
    """How far it is, or what became of it."""
    label = Content.styled(run_look(run).label(plain=plain), _COLOURS[run.status])
    facts: list[Fact] = [("status", label), ("job", safe(run.job_name)), ("run", safe(run.id))]
    if run.error is not None:
        what = safe(headline(run.error), limit=500)
        facts.append(("error", Content.styled(what, "$text-error")))
        if (step := _failed_step(state)) is not None:
            facts.append(("in step", safe(step)))
    if run.progress is not None:
        facts.append(("progress", _progress(run, now, plain=plain)))
    if state is not None and state.step_name:
        facts.append(("step", safe(state.step_name)))
    facts.append(("steps done", str(_steps_done(run, state))))
    if run.labels:
        pairs = (f"{safe(key)}={safe(value)}" for key, value in sorted(run.labels.items()))
        facts.append(("labels", "  ".join(pairs)))
    return facts


def _times(run: Run, state: JobRunState | None, now: float, style: TimeStyle) -> list[Fact]:
    facts: list[Fact] = [("created", _when(run.created_at, now, style))]
    if run.started_at is not None:
        facts.append(("started", _when(run.started_at, now, style)))
    if run.completed_at is not None:
        facts.append(("ended", _when(run.completed_at, now, style)))
    lost_at = state.lost_at if state is not None else None
    if (duration := _duration(run, now if lost_at is None else min(now, lost_at))) is not None:
        facts.append(("took" if run.is_terminal else "running for", took(duration)))
    return facts


def _background(run: Run, state: JobRunState | None, now: float, *, kept: bool) -> list[Fact]:
    """Its keys, and how well it is known."""
    facts: list[Fact] = []
    if run.concurrency_key:
        facts.append(("concurrency", safe(run.concurrency_key)))
    if run.idempotency_key:
        facts.append(("idempotency", safe(run.idempotency_key)))
    if state is not None:
        facts.append(("watched", watched(state, now, kept=kept)))
        if state.fault is not None:
            facts.append(("trouble", Content.styled(safe(str(state.fault)), "$text-error")))
    return facts


def watched(state: JobRunState, now: float, *, kept: bool) -> str:
    """For how long the run was watched, and what may therefore be missing; less of it where the
    server keeps what is ``kept``."""
    if state.complete:
        return "from its start: steps and logs are complete"
    began, ended = state.watched_since, state.current.completed_at
    if began is None and not state.current.is_terminal:
        return "not yet"
    if began is None or (ended is not None and ended.timestamp() <= began):
        return "not while it ran: steps and logs are those that the server kept"
    since = took(max(0.0, now - began))
    gaps = len(state.gaps)
    lost = f", {gaps} gap{'s' if gaps > 1 else ''} in between" if gaps else ""
    before = "are those that the server kept" if kept else "may be missing"
    return f"for the last {since}{lost}: earlier steps and lines {before}"


def watched_sentence(state: JobRunState, now: float, *, kept: bool) -> str:
    """The same as a sentence of its own."""
    words = watched(state, now, kept=kept)
    rest = words.removeprefix("not ")
    return f"Watched {words}." if rest == words else f"Not watched {rest}."


def _progress(run: Run, now: float, *, plain: bool) -> Content:
    spans = progress_spans(run.progress, run.status, _PROGRESS_CELLS, phase=int(now), plain=plain)
    drawn = Content.styled("".join(text for text, _ in spans), _COLOURS[run.status])
    message = run.progress.message if run.progress is not None else None
    return drawn + Content(f"  {safe(message, limit=200)}") if message else drawn


def _when(at: datetime | None, now: float, style: TimeStyle) -> str:
    if at is None:
        return "not told"
    exact = moment(at, TimeStyle.UTC if style is TimeStyle.UTC else TimeStyle.LOCAL, now)
    return f"{exact}  ({moment(at, TimeStyle.RELATIVE, now)})"


def _steps_done(run: Run, state: JobRunState | None) -> int:
    """Of a run that works on: those by name, where all are known. It is counted on by the index of
    its steps, in which those count twice that a resumed run skips."""
    if state is None or run.is_terminal or not (state.server_steps or state.complete):
        return run.completed_step_count
    return len({step.name for step in state.steps if step.status is StepStatus.COMPLETED})


def _failed_step(state: JobRunState | None) -> str | None:
    """The step that failed last, where it is known."""
    steps = reversed(state.steps) if state is not None else ()
    return next((step.name for step in steps if step.status is StepStatus.FAILED), None)


def _duration(run: Run, now: float) -> float | None:
    """Seconds from the start to the end, or until now."""
    if run.started_at is None:
        return None
    end = run.completed_at.timestamp() if run.completed_at is not None else now
    return end - run.started_at.timestamp()
