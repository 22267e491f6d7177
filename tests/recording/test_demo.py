"""The recording that the pictures are made of: what an older version wrote stays readable."""

from __future__ import annotations

from pathlib import Path

from durably_tui.protocol import RunStatus
from durably_tui.recording import Player, read
from durably_tui.state import create_durably_client

DEMO = Path(__file__).parents[1] / "screenshots" / "demo.ndjson.zst"


async def test_the_recording_of_the_demo_is_played_to_its_end() -> None:
    made = read(DEMO)
    assert (made.header.version, made.trouble) == (1, "")
    assert made.header.abilities.generation == "python"
    player = Player(made)
    async with create_durably_client(player, clock=player.clock) as hooks:
        hooks.feed.open()
        await player.seek(made.duration)
        assert player.is_over
        assert hooks.feed.state.events > 2000
        runs = await player.get_runs()
        assert {RunStatus.RUNNING, RunStatus.COMPLETED, RunStatus.FAILED} <= {
            run.status for run in runs
        }
        ended = [run for run in runs if run.status is RunStatus.COMPLETED]
        assert all(run.output is not None and run.completed_at is not None for run in ended)
        steps = [len(await player.get_steps(run.id)) for run in ended[:20]]
        assert all(steps)
        assert await player.get_jobs()
        assert await player.get_stats()
        assert await player.get_logs(ended[-1].id, limit=5)
    await player.aclose()
