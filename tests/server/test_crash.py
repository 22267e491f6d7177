"""A server that is killed with SIGKILL in the middle of a run, and started again."""

import asyncio
import os
import sqlite3
import sys
import time
from pathlib import Path

from support.server import make_durably

from durably_server import Step, job

ROWS = 8


@job("import")
async def import_rows(step: Step, input: str) -> int:
    """Each finished row leaves one line; row 3 hangs in the process that is to be killed."""

    def store(n: int) -> int:
        if n == 3 and os.environ.get("HANG") == "1":
            print("hanging", flush=True)
            time.sleep(60)
        with Path(input, "rows").open("a") as rows:
            rows.write(f"{n}\n")
        return n

    total = 0
    for n in range(ROWS):
        total += await step.run(f"row-{n}", store, n)
    return total


async def serve(folder: Path) -> None:
    durably = make_durably(folder, import_rows, lease=1.0, lease_renewal=0.1)
    await durably.init()
    await durably.trigger(import_rows, str(folder))
    await asyncio.sleep(60)


async def test_a_killed_server_resumes_after_the_last_finished_step(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _CHILD, str(tmp_path)),
        env=os.environ | {"HANG": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            assert await process.stdout.readline() == b"hanging\n"
    finally:
        process.kill()
        await process.wait()
    assert (tmp_path / "rows").read_text().split() == ["0", "1", "2"]
    db = sqlite3.connect(tmp_path / "test.db")
    assert db.execute("SELECT status, completed_step_count FROM durably_runs").fetchall() == [
        ("leased", 3)
    ]
    db.close()
    async with make_durably(tmp_path, import_rows, lease=1.0, lease_renewal=0.1) as durably:
        (run,) = await durably.get_runs()
        run = await durably.wait_for_run(run.id, timeout=10)
        steps = await durably.get_steps(run.id)
    assert (run.output, run.lease_generation) == (sum(range(ROWS)), 2)
    assert (tmp_path / "rows").read_text().split() == [str(n) for n in range(ROWS)]
    assert [(s.name, s.index) for s in steps] == [(f"row-{n}", n) for n in range(ROWS)]


_CHILD = f"""
import asyncio, importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("crashing", {__file__!r})
module = importlib.util.module_from_spec(spec)
sys.modules["crashing"] = module
spec.loader.exec_module(module)
asyncio.run(module.serve(Path(sys.argv[1])))
"""
