"""What is in the database and in the journal of an engine, held to what was promised."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.proof import victim
from tests.proof.report import Trial

_LATE = dict.fromkeys(victim.LATE, ("completed", "1", None, 0))
EXPECTED: dict[str, tuple[str, str | None, str | None, int]] = {
    "walk": ("completed", str(victim.STEPS), None, victim.STEPS),
    "carry": ("completed", str(victim.STEPS), None, victim.STEPS),
    "fall": ("failed", None, "as planned", 1),
    **_LATE,
    "late-step": ("completed", "1", None, 1),
    "late-fall": ("failed", None, "as planned", 0),
}
"""Of each job: the status, output, error and finished steps of its runs in the end."""


class Stop(NamedTuple):
    """A process was stopped from when to when, by the machine's monotonic clock."""

    pid: int
    since: float
    until: float


class Note(NamedTuple):
    """A line of the journal; see ``victim``."""

    at: float
    pid: int
    what: str
    run_id: str
    rest: str
    line: str


class Write(NamedTuple):
    """A write of a lease holder, which the store took or refused."""

    what: str
    generation: int
    begun: float


class Journal:
    """Reads what servers note, each line once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[Note] = []
        """All that was read."""
        self._at = 0

    def read(self) -> list[Note]:
        """What came since it was read before."""
        with self.path.open("rb") as file:
            file.seek(self._at)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]  # a write may be under way
        self._at += len(whole)
        new = [_note(line) for line in whole.decode().splitlines()]
        self.notes += new
        return new


def _note(line: str) -> Note:
    at, pid, what, run_id, rest = line.split(" ", 4)
    return Note(float(at), int(pid), what, run_id, rest, line)


def write_of(note: Note) -> Write:
    """What a note ``wrote`` or ``refused`` is about."""
    what, generation, begun = note.rest.split()
    return Write(what, int(generation), float(begun))


def judge(
    trial: Trial,
    db: Path,
    journal: Journal,
    acknowledged: Mapping[str, str],
    *,
    refused: int,
    stops: Sequence[Stop],
) -> str:
    """Tell the trial of each promise that was not kept; the figures.

    Args:
        trial: whom to tell.
        db: the database, of which no server is at work any more.
        journal: what the servers noted.
        acknowledged: the job of each run whose trigger was answered.
        refused: how many triggers were refused.
        stops: when which server was stopped.
    """
    journal.read()
    history: defaultdict[str, list[str]] = defaultdict(list)
    for note in journal.notes:
        history[note.run_id].append(note.line)
    again, late = _judge_steps(trial, journal.notes, history, stops)
    _judge_writes(trial, journal.notes, history)
    runs = _judge_rows(trial, db, acknowledged, history)
    return (
        f"{runs} runs, {len(acknowledged)} triggers answered, {refused} refused, "
        f"{again} unfinished steps begun again"
        + (f", {late} by a zombie as it woke up" if late else "")
    )


def _judge_steps(
    trial: Trial,
    notes: Sequence[Note],
    history: Mapping[str, list[str]],
    stops: Sequence[Stop],
) -> tuple[int, int]:
    finished: dict[tuple[str, str], float] = {}
    noted: dict[tuple[int, str], float] = {}
    zombies: set[tuple[int, str, str]] = set()
    begun: Counter[tuple[str, str]] = Counter()
    ended: Counter[str] = Counter()
    for note in notes:
        if note.what not in {"began", "finished", "ended"}:
            continue
        run_id, step = key = note.run_id, note.rest
        last_note = noted.get((note.pid, run_id), 0.0)
        noted[note.pid, run_id] = note.at
        if note.what == "finished":
            finished.setdefault(key, note.at)
            if (note.pid, *key) in zombies:
                trial.violated(f"a zombie stored {step} of {run_id}", history[run_id])
        elif note.what == "began":
            begun[key] += 1
            if key in finished and _was_at_it(stops, note.pid, finished[key], last_note):
                zombies.add((note.pid, *key))
            elif key in finished:
                trial.violated(f"{step} of {run_id} was finished and ran again", history[run_id])
        else:
            ended[run_id] += 1
    for run_id, times in ended.items():
        trial.expect(times == 1, f"{run_id} ended {times} times", history[run_id])
    return sum(times - 1 for times in begun.values()), len(zombies)


def _was_at_it(stops: Sequence[Stop], pid: int, finished: float, last_note: float) -> bool:
    """Whether a process was stopped while another finished the step that it now begins, and has
    noted nothing of the run since it woke up."""
    return any(
        pid == stop.pid and stop.since <= finished <= stop.until and last_note <= stop.until
        for stop in stops
    )


def _judge_writes(trial: Trial, notes: Sequence[Note], history: Mapping[str, list[str]]) -> None:
    """Nobody may write once another has the run: it was claimed before the write was begun."""
    for note, write in late_writes(notes):
        if note.what == "wrote":
            trial.violated(
                f"a zombie wrote {write.what} of {note.run_id}, which another had",
                history[note.run_id],
            )


def late_writes(notes: Sequence[Note]) -> list[tuple[Note, Write]]:
    """The writes, taken or refused, of those who had lost the run to somebody else before."""
    claimed: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for note in notes:
        if note.what == "claimed":
            claimed[note.run_id].append((int(note.rest), note.at))
    found = []
    for note in notes:
        if note.what in {"wrote", "refused"}:
            write = write_of(note)
            if any(
                generation > write.generation and at < write.begun
                for generation, at in claimed[note.run_id]
            ):
                found.append((note, write))
    return found


def _judge_rows(
    trial: Trial,
    db: Path,
    acknowledged: Mapping[str, str],
    history: Mapping[str, list[str]],
) -> int:
    with contextlib.closing(sqlite3.connect(db)) as opened:
        trial.expect(opened.execute("PRAGMA integrity_check").fetchone() == ("ok",), "a torn file")
        rows = opened.execute(
            "SELECT id, job_name, lease_owner, status, output, error, completed_step_count "
            "FROM durably_runs"
        ).fetchall()
        steps = dict(opened.execute(
            "SELECT run_id, count(*) FROM durably_steps WHERE status = 'completed' "
            "GROUP BY run_id"
        ))  # fmt: skip
    for run_id in acknowledged.keys() - {row[0] for row in rows}:
        trial.violated(f"{run_id} was answered and is lost", history.get(run_id, []))
    for run_id, job_name, owner, *rest in rows:
        right = EXPECTED[job_name]
        kept = steps.get(run_id, 0)
        if tuple(rest) != right or kept != right[-1] or owner is not None:
            trial.violated(
                f"{run_id} of {job_name} is {rest}, with {kept} steps, owned by {owner}",
                history.get(run_id, []),
            )
    return len(rows)
