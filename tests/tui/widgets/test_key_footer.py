"""The footer: as many keys as there is room for, and always the help."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.monitor import monitor, watching
from support.workshop import Workshop, workshop

from durably_tui.client import DurablyClient
from durably_tui.config import Config
from durably_tui.state import create_durably_client
from durably_tui.text import cells
from durably_tui.tui.session import Session
from durably_tui.tui.widgets.key_footer import KEPT, Key, fitting
from durably_tui.tui.world import World


@pytest.fixture
async def shop(tmp_path):
    async with workshop(tmp_path) as running:
        yield running


def key(written: str, label: str, action: str) -> Key:
    return (written, written, label, action, True, "")


KEYS = [
    *(key("r", "retry", "retry"), key("c", "cancel", "cancel")),
    *(key("?", "help", KEPT[0]), key("q", "quit", KEPT[1])),
]


@pytest.mark.parametrize(
    ("width", "left"),
    [(30, "rc?q"), (29, "r?q"), (21, "r?q"), (20, "?q"), (13, "?q"), (12, "?"), (6, "?"), (5, "")],
)
def test_the_last_ones_go_first_then_the_way_out_and_the_help_last(width: int, left: str) -> None:
    assert "".join(key[0] for key in fitting(KEYS, width)) == left


@given(
    st.lists(st.tuples(st.text("ab長", min_size=1, max_size=9), st.text("cd", max_size=9))),
    st.integers(6, 90),
)
def test_whatever_is_shown_fits(told: list[tuple[str, str]], width: int) -> None:
    keys = [key(written, label, str(at)) for at, (written, label) in enumerate(told)]
    shown = fitting([*keys, KEYS[2]], width)
    assert KEYS[2] in shown
    assert sum(cells(each[1]) + cells(each[2]) + 2 for each in shown) - 1 <= width


async def test_every_place_tells_of_enter_and_help_in_a_small_terminal(shop: Workshop) -> None:
    await shop.done("broken")
    async with monitor(shop.url, size=(80, 24)) as shown:
        for place, enter in (
            ("1", "Enter open"),
            ("2", "Enter runs"),
            ("3", "Enter runs"),
            ("5", "Enter open"),
        ):
            await shown.press(place)
            await shown.until(
                lambda enter=enter: enter in shown.lines[-1] and "? help" in shown.lines[-1],
                f"{enter} in place {place}",
            )
        await shown.press("4")
        await shown.until(
            lambda: "Enter open line" in shown.lines[-1] and "? help" in shown.lines[-1]
        )
        await shown.press("1", "enter")
        await shown.until(lambda: "s steps" in shown.lines[-1] and "? help" in shown.lines[-1])
        await shown.pilot.resize_terminal(40, 15)
        await shown.until(lambda: "? help" in shown.lines[-1] and "s steps" not in shown.lines[-1])
        await shown.pilot.resize_terminal(200, 15)
        await shown.until(lambda: "e output" in shown.lines[-1] and "back" in shown.lines[-1])


async def test_where_there_is_room_the_line_of_commands_is_told_of(shop: Workshop) -> None:
    async with monitor(shop.url, size=(120, 40)) as shown:
        for place in "1235":
            await shown.press(place)
            await shown.until(lambda: ": command ? help" in shown.lines[-1], f"in place {place}")


async def test_a_key_of_ones_own_stands_where_its_command_stood(shop: Workshop) -> None:
    await shop.done("quick")
    session = Session(create_durably_client(client := DurablyClient(shop.url)), shop.url)
    world = World(config=Config(keys={"retry": ("x",), "filter": ("ctrl+y",)}))
    async with watching(session, world=world) as shown:
        await shown.until(
            lambda: (
                "Enter open x retry R new run c cancel D delete t trigger ^y filter f failed"
                in shown.lines[-1]
            ),
            "the user's keys in their places",
        )
    await client.aclose()


async def test_where_there_is_no_row_enter_is_dim(shop: Workshop) -> None:
    async with monitor(shop.url, size=(80, 24)) as shown:
        await shown.shows("No runs yet", "Enter open")
        enabled = shown.app.screen.active_bindings["enter"].enabled
        assert not enabled
        await shop.done("quick")
        await shown.shows("✔ completed")
        await shown.until(lambda: shown.app.screen.active_bindings["enter"].enabled)
