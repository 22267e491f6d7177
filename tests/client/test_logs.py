"""Stored log lines: ``GET /logs`` of our server, and what servers without it are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.recorded_server import recorded_server
from support.workshop import workshop

from durably_tui.client import DurablyClient
from durably_tui.protocol import LogLevel, NotFound


async def test_the_lines_of_a_run(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop, DurablyClient(shop.url) as client:
        run_id = await shop.done("loud")

        lines = await client.get_logs(run_id)
        assert lines
        assert {line.run_id for line in lines} == {run_id}
        assert all(line.id and line.timestamp and line.job_name == "loud" for line in lines)
        assert await client.get_logs(run_id, limit=1) == lines[-1:], "the newest"
        assert await client.get_logs(run_id, after=lines[0].id) == lines[1:]
        errors = [line for line in lines if line.level is LogLevel.ERROR]
        assert await client.get_logs(run_id, levels=["error"]) == errors
        assert await client.get_logs() == lines, "of all runs"


async def test_a_run_that_is_not_there(tmp_path: Path) -> None:
    async with workshop(tmp_path) as shop, DurablyClient(shop.url) as client:
        with pytest.raises(NotFound):
            await client.get_logs("01ARZ3NDEKTSV4RRFFQ69G5FAV")


async def test_a_server_of_node_stores_none() -> None:
    async with (
        recorded_server("v0.15") as peer,
        DurablyClient(peer.url, abilities="0.15") as client,
    ):
        assert await client.get_logs("any") is None
