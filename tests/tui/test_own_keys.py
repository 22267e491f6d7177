"""The user's own keys, as the monitor tells them."""

from __future__ import annotations

from support.monitor import monitor
from support.workshop import Workshop

from durably_tui.config import Config
from durably_tui.tui.screens.logs import LogsScreen
from durably_tui.tui.screens.runs import PAGE_SIZE
from durably_tui.tui.world import World


async def test_what_is_said_of_a_key_tells_the_key_that_the_user_gave_it(shop: Workshop) -> None:
    async with monitor(shop.url) as shown:
        shown.app.user_keys = {"trigger": "ctrl+n", "open-new": "O"}
        shown.runs.changed()
        await shown.shows("No runs yet. Press ^n to trigger one.")
        await shown.on(await shop.done("quick"))
        await shown.press("R")
        await shown.says("(O opens it)")


async def test_a_hint_names_the_key_that_the_user_has(shop: Workshop) -> None:
    keys = {
        "back": "x",
        "mark": "M",
        "range": "W",
        "compare": "C",
        "preview-side": "B",
        "all-runs": "A",
        "open": "O",
        "search": "f7",
        "help": "H",
        "filter": "u",
        "show-only": "U",
    }
    run_id = await shop.done("quick")
    async with monitor(shop.url, size=(120, 12)) as shown:
        # As ``dress`` does it with what is configured.
        shown.app.user_keys = keys
        shown.app.set_keymap(shown.app.user_keys)
        await shown.on(run_id)
        await shown.press("W")
        await shown.says("with M, then go to the last and press W.")
        await shown.press("C")
        await shown.says("Mark two runs with M", "C compares them.")
        await shown.press("asterisk")
        await shown.says("1 run is marked; x unmarks it.")
        await shown.press("P", "P")
        await shown.says("B puts it beside the table.")
        await shown.press("l")
        await shown.front(LogsScreen)
        await shown.shows("A shows all runs")
        await shown.press("n")
        await shown.says("F7 starts one.")
        await shown.press("A", "colon", *"save night", "enter")
        await shown.says("There is no filter here to save; U sets one.")
        await shown.press("colon", *"xyzzy", "enter")
        await shown.says("H lists the commands of this place.")
        await shown.press("5")
        await shown.shows("O goes there")
        await shown.press("colon", *"save night", "enter")
        await shown.says("There is no filter here to save.")
        await shown.press("1", "f")
        await shown.shows("No run matches. x clears the filter.")
        await shown.press("x", "x")  # the mark first
        await shown.until(lambda: shown.ids == [run_id])
        await shown.press("colon", *"save night", "enter")
        await shown.says("There is no filter here to save; u sets one.")
        for place in ("2", "3"):
            await shown.press(place, "u", *"nothing", "enter")
            await shown.shows("matches. x clears the filter.")


async def test_the_line_of_pages_names_the_keys_that_lead_to_others(shop: Workshop) -> None:
    await shop.durably.batch_trigger("held", [{}] * (PAGE_SIZE + 1))
    async with monitor(shop.url, abilities="0.15") as shown:
        shown.app.user_keys = {"older": "f8", "live": "f9"}
        shown.app.set_keymap(shown.app.user_keys)
        await shown.shows(f"{PAGE_SIZE} shown · F8 older")
        await shown.press("f8")
        await shown.shows("page 2 · still (F9 goes back to the live page) · 1 shown")


async def test_the_keys_of_a_pane_can_be_others_as_well(shop: Workshop) -> None:
    keys = {"fold": ("x",), "clear-search": ("X",), "copy-event": ("x",), "zoom-in": ("x",)}
    run_id = await shop.done("quick", value="apple")
    async with monitor(shop.url, world=World(config=Config(keys=keys))) as shown:
        assert shown.app.user_keys == {name: key for name, (key,) in keys.items()}
        await shown.on(run_id)
        await shown.press("enter", "i")
        await shown.shows('"value": "apple"', "x fold")
        await shown.press("g", "x")
        await shown.hides('"value": "apple"')
        await shown.press("x")
        await shown.shows('"value": "apple"')
        await shown.press("question_mark")
        await shown.shows("x  Fold or unfold", "X  Clear the search")
