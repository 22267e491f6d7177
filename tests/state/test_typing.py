"""Job definitions give runs their types: at run time, and for mypy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import mypy.api
import pytest
from pydantic import BaseModel
from support.fake_port import FakePort
from support.manual_clock import ManualClock, settle

from durably_tui.protocol import Run, RunStatus
from durably_tui.state import DurablyHooks, JobDefinition
from durably_tui.state.jobs import plain, typed


class ImportCsv(BaseModel):
    path: str


class Imported(BaseModel):
    count: int


@dataclass
class Point:
    x: int


class Named(TypedDict):
    name: str


IMPORT = JobDefinition("import-csv", ImportCsv, Imported)


def run(**changes: Any) -> Run:
    return Run(id="R", job_name="import-csv", status=RunStatus.COMPLETED, **changes)


def test_values_become_what_the_job_says() -> None:
    convert = typed(IMPORT)
    assert convert is not None
    read = convert(run(input={"path": "a.csv"}, output={"count": 3}))
    assert read.input == ImportCsv(path="a.csv")
    assert read.output is not None
    assert read.output.count == 3
    assert convert(read) == read, "twice is as good as once"


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Point, {"x": 1}, Point(1)),
        (Named, {"name": "n"}, {"name": "n"}),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (int, 3, 3),
        (str, "s", "s"),
        (Any, {"a": 1}, {"a": 1}),
    ],
)
def test_many_kinds_of_types_are_read(kind: Any, value: Any, expected: Any) -> None:
    convert = typed(JobDefinition("import-csv", Any, kind))
    read = convert(run(output=value)) if convert else run(output=value)
    assert read.output == expected
    assert read.extra == {}


def test_what_does_not_fit_stays_as_it_came_and_is_told() -> None:
    convert = typed(IMPORT)
    assert convert is not None
    read = convert(run(input={"path": 1}, output={"count": "many"}))
    assert read.input == {"path": 1}
    assert read.output == {"count": "many"}
    assert "path" in read.extra["inputMisfit"]
    assert "count" in read.extra["outputMisfit"]


def test_runs_of_other_jobs_and_absent_values_are_left_alone() -> None:
    convert = typed(IMPORT)
    assert convert is not None
    other = Run(id="R", job_name="other", status=RunStatus.COMPLETED, output={"count": 1})
    assert convert(other) is other
    empty = run()
    assert convert(empty) is empty
    assert typed("import-csv") is None
    assert typed(None) is None


def test_a_typed_input_is_sent_as_json() -> None:
    assert plain(ImportCsv(path="a")) == {"path": "a"}
    assert plain(Point(1)) == {"x": 1}
    assert plain({"a": [1, None]}) == {"a": [1, None]}


async def test_hooks_give_typed_runs(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    port.made("other")
    async with hooks.use_runs(IMPORT) as runs, hooks.job(IMPORT).use_job() as job:
        triggered = await job.trigger(ImportCsv(path="a.csv"))
        assert port.triggers[0].input == {"path": "a.csv"}
        await settle()
        port.completed(triggered.run_id, {"count": 2})
        await clock.advance(1)
        assert [row.output for row in runs.runs] == [Imported(count=2)]
        assert job.output == Imported(count=2)
        async with hooks.job(IMPORT).use_run(triggered.run_id) as watched:
            await clock.advance(1)
            assert watched.run is not None
            assert watched.run.input == ImportCsv(path="a.csv")
            assert watched.output == Imported(count=2)


SNIPPET = """
from typing import Any
from pydantic import BaseModel
from typing_extensions import assert_type
from durably_server import Step, job
from durably_tui.client import DurablyClient
from durably_tui.protocol import Run
from durably_tui.state import DurablyHooks, DurablyPort, Job, JobDefinition, JobRun, Runs

class ImportCsv(BaseModel):
    path: str

class Imported(BaseModel):
    count: int

@job("import-csv")
async def import_csv(step: Step, input: ImportCsv) -> Imported:
    return Imported(count=len(input.path))

def fits(client: DurablyClient) -> DurablyPort:
    return client

by_types = JobDefinition("import-csv", ImportCsv, Imported)

async def use(hooks: DurablyHooks) -> None:
    runs = hooks.use_runs(by_types)
    assert_type(runs, Runs[ImportCsv, Imported])
    for run in runs.runs:
        assert_type(run, Run[ImportCsv, Imported])
        if run.output is not None:
            assert_type(run.output.count, int)
        assert_type(run.input.path, str)
    assert_type(hooks.use_runs(import_csv), Runs[ImportCsv, Imported])
    watched = hooks.job(import_csv).use_run("R")
    assert_type(watched, JobRun[ImportCsv, Imported])
    assert_type(watched.output, Imported | None)
    job = hooks.job(by_types).use_job()
    assert_type(job, Job[ImportCsv, Imported])
    done = await job.trigger_and_wait(ImportCsv(path="a"))
    assert_type(done.count, int)
    assert_type(hooks.use_runs(job_name="x"), Runs[Any, Any])
    await job.trigger({"path": 1})  # type: ignore[arg-type]
    await hooks.job("by-name").use_job().trigger({"anything": 1})
"""


def test_mypy_knows_what_a_job_gives(tmp_path: Path) -> None:
    snippet = tmp_path / "snippet.py"
    snippet.write_text(SNIPPET)
    out, err, status = mypy.api.run(
        [
            "--strict",
            "--python-version=3.11",
            "--config-file=",
            f"--cache-dir={tmp_path / 'cache'}",
            str(snippet),
        ]
    )
    assert status == 0, f"{out}{err}"
