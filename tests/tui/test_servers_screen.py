"""The place Servers: each configured server with its own pulse, and the way to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.bad_servers import closed_port
from support.monitor import Monitor, watching
from support.workshop import Workshop, workshop

from durably_tui.client import DurablyClient
from durably_tui.config import Config, Server
from durably_tui.protocol import DurablyError
from durably_tui.state import create_durably_client
from durably_tui.tui.screens.jobs import JobsScreen
from durably_tui.tui.screens.runs import RunsScreen
from durably_tui.tui.screens.servers import ServersScreen
from durably_tui.tui.session import Session
from durably_tui.tui.world import World


def connect(server: Server) -> Session:
    if server.name == "locked":
        raise DurablyError("The token of locked cannot be had: set LOCKED_TOKEN.")
    client = DurablyClient(server.url, read_only=server.read_only)
    return Session(
        create_durably_client(client),
        client.url,
        server.name,
        read_only=server.read_only,
        production=server.production,
        color=server.color or "",
        close=client.aclose,
    )


def world(*servers: Server) -> World:
    return World(config=Config(servers=servers), connect=connect)


async def servers_of(shown: Monitor) -> ServersScreen:
    await shown.press("5")
    return await shown.front(ServersScreen)


def row(shown: Monitor, name: str) -> str:
    return next((line for line in shown.lines if f" {name}" in line), "")


async def test_each_server_has_its_own_pulse(shop: Workshop, tmp_path: Path) -> None:
    await shop.done("broken")
    (tmp_path / "other").mkdir()
    async with workshop(tmp_path / "other") as other:
        with closed_port() as nobody:
            known = world(
                Server("here", shop.url),
                Server("other", other.url, read_only=True, production=True),
                Server("gone", nobody.url),
                Server("locked", shop.url),
            )
            async with watching(connect(known.config.servers[0]), world=known) as shown:
                screen = await servers_of(shown)
                await shown.until(lambda: "● live" in row(shown, "other"), "its pulse")
                await shown.until(lambda: "python" in row(shown, "other"), "what it is")
                assert "PROD READ" in row(shown, "other")
                await shown.until(lambda: "reconnecting" in row(shown, "gone"), "the closed port")
                await shown.until(lambda: "cannot be opened" in row(shown, "locked"))
                screen.table.move_cursor("locked")
                await shown.shows("The token of locked cannot be had: set LOCKED_TOKEN.")
                await other.start("held")
                await shown.until(lambda: "1     0     0" in row(shown, "other"), "its counts")


async def test_a_paused_picture_is_held_also_where_a_server_is_gone_or_has_no_runs(
    shop: Workshop,
) -> None:
    with closed_port() as nobody:
        known = world(Server("here", shop.url), Server("gone", nobody.url))
        async with watching(connect(known.config.servers[0]), world=known) as shown:
            screen = await servers_of(shown)
            await shown.until(lambda: "reconnecting" in row(shown, "gone"), "the closed port")
            await shown.until(lambda: "0     0     0" in row(shown, "● here"), "its counts")
            await shown.press("p")
            await shown.shows("PAUSED +0")
            await shown.until(lambda: screen.is_held, "the picture is held")
            await shop.start("held")
            await shown.hides("PAUSED +0")
            assert "0     0     0" in row(shown, "● here")
            await shown.press("p")
            await shown.until(lambda: "1     0     0" in row(shown, "● here"), "its counts")


async def test_servers_without_a_name_are_told_apart_in_80_columns(
    shop: Workshop, tmp_path: Path
) -> None:
    with closed_port() as nobody:
        known = world(Server("", shop.url), Server("", nobody.url))
        async with watching(connect(known.config.servers[0]), world=known, size=(80, 24)) as shown:
            await servers_of(shown)
            here, gone = (url.removeprefix("http://")[:15] for url in (shop.url, nobody.url))
            await shown.until(lambda: re.search(r"● live \d+ ms", row(shown, here)), "its latency")
            await shown.until(lambda: "▲ reconnecting" in row(shown, gone), "the closed port")
            assert "…" not in row(shown, gone).partition("reconnecting")[2][:8]


async def test_going_to_a_server_and_back_keeps_place_and_filter(
    shop: Workshop, tmp_path: Path
) -> None:
    mine = await shop.done("broken")
    await shop.done("quick")
    (tmp_path / "other").mkdir()
    async with workshop(tmp_path / "other") as other:
        theirs = await other.done("quick")
        known = world(Server("here", shop.url), Server("other", other.url, read_only=True))
        async with watching(connect(known.config.servers[0]), world=known) as shown:
            await shown.until(lambda: len(shown.ids) == 2)
            await shown.press("f")
            await shown.until(lambda: shown.ids == [mine])
            screen = await servers_of(shown)
            await shown.until(lambda: len(screen.table.rows) == 2)
            screen.table.move_cursor("other")
            await shown.press("enter")
            await shown.front(RunsScreen)
            await shown.until(lambda: shown.ids == [theirs])
            await shown.shows("other", "READ-ONLY")
            await shown.press("2")
            await shown.front(JobsScreen)
            screen = await servers_of(shown)
            await shown.until(lambda: len(screen.table.rows) == 2)
            screen.table.move_cursor("here")
            await shown.press("enter")
            await shown.front(RunsScreen)
            await shown.until(lambda: shown.ids == [mine])
            await shown.shows("status:failed")
            screen = await servers_of(shown)
            screen.table.move_cursor("other")
            await shown.press("enter")
            await shown.front(JobsScreen)


async def test_a_server_that_cannot_be_opened_says_why(shop: Workshop) -> None:
    known = world(Server("here", shop.url), Server("locked", shop.url))
    async with watching(connect(known.config.servers[0]), world=known) as shown:
        screen = await servers_of(shown)
        await shown.until(lambda: "cannot be opened" in row(shown, "locked"))
        screen.table.move_cursor("locked")
        await shown.press("enter")
        await shown.says("The token of locked cannot be had")
        assert shown.app.screen is screen


@pytest.mark.parametrize("typed", ["here", "not here"])
async def test_a_production_server_asks_for_its_name(shop: Workshop, typed: str) -> None:
    run_id = await shop.done("quick")
    known = world(Server("here", shop.url, production=True, color="red"))
    async with watching(connect(known.config.servers[0]), world=known) as shown:
        await shown.on(run_id)
        await shown.press("D")
        await shown.shows("Type here and Enter to go on.")
        await shown.shows("No (Esc)")  # n is a letter here
        await shown.press(*("space" if each == " " else each for each in typed), "enter")
        if typed == "here":
            await shown.until(lambda: shown.ids == [], "the row gone")
        else:
            await shown.shows("That does not match: type here")
            await shown.press("escape")
            assert shown.ids == [run_id]


async def test_the_cursor_begins_where_one_is_and_what_is_not_known_is_no_zero(
    shop: Workshop, tmp_path: Path
) -> None:
    await shop.done("broken")
    (tmp_path / "other").mkdir()
    async with workshop(tmp_path / "other") as other:
        with closed_port() as nobody:
            known = world(
                *(Server("here", shop.url), Server("other", other.url)),
                Server("gone", nobody.url),
            )
            async with watching(connect(known.config.servers[0]), world=known) as shown:
                await servers_of(shown)
                await shown.until(lambda: "reconnecting" in row(shown, "gone"))
                assert row(shown, "gone").split().count("-") == 3
                await shown.until(lambda: "▸ ● here" in shown.text)
                await shown.press("j", "enter")
                await shown.front(RunsScreen)
                await servers_of(shown)
                await shown.until(lambda: "▸ ● other" in shown.text, "the cursor on other")
