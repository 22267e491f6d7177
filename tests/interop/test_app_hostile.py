"""The app on a real server whose jobs write what they can to break a terminal."""

from __future__ import annotations

import pytest
from support.hostile import HOSTILE, is_inert
from support.peers import NodePeer
from support.shown import Shown, shown

from durably_tui.text import short_id
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import RunsScreen

# A lone surrogate cannot be sent as UTF-8 at all, and a step must have a name.
TEXTS = [sent for text in HOSTILE if (sent := text.encode(errors="ignore").decode())]
WORST = "".join(text for text in TEXTS if len(text) < 200)
PANES = {"v": "status  ✖ failed", "s": "✖ failed", "l": "info", "i": "text", "e": ""}
"""What a pane shows, whatever the text, by the key that opens it."""


SHOWN = {
    WORST: ("[31mred", "[red]markup[/][@click=app.bell]x[/]", "errorat[/a/b]", "list[int]and[bold"),
    TEXTS[-1]: ("界" * 100,),
}


def squeezed(text: str) -> str:
    return "".join(text.split())


def assert_columns(monitor: Shown, run_ids: list[str]) -> None:
    """Every row tells its own run's id in its own place: nothing was pushed aside."""
    assert monitor.shown_ids == [short_id(run_id) for run_id in run_ids]
    assert {(row["JOB"], row["STATUS"]) for row in monitor.table} == {("hostile", "✖ failed")}


async def test_no_hostile_text_gets_out_of_its_cell(node: NodePeer) -> None:
    async with shown(node.url, size=(200, 80)) as monitor:
        await monitor.shows("● live")
        run_ids: list[str] = []
        for text in TEXTS:
            labels = {"env": text[:500], "team": "ops"}
            run_id = await node.trigger("hostile", {"text": text}, labels=labels)
            run_ids.insert(0, run_id)
            monitor.assert_inert()
        for run_id in run_ids:
            await node.ended(run_id)
        await monitor.until(lambda: len(monitor.table) == len(run_ids))
        await monitor.until(lambda: all(row["STATUS"] == "✖ failed" for row in monitor.table))
        assert_columns(monitor, [run["id"] for run in await node.runs()])
        monitor.assert_inert()
        for _ in range(5):
            await monitor.press("j")
            monitor.assert_inert()


@pytest.mark.parametrize("text", [WORST, TEXTS[-1]], ids=["worst", "wide"])
async def test_no_hostile_text_gets_out_of_its_pane(node: NodePeer, text: str) -> None:
    assert not is_inert(WORST)
    async with shown(node.url, size=(80, 24)) as monitor:
        await monitor.shows("● live")
        run_id = await node.trigger("hostile", {"text": text}, labels={"env": text[:500]})
        await node.ended(run_id)
        await monitor.until(lambda: "✖ failed" in monitor.text)
        await monitor.until_pane("info", "warn", "error")
        monitor.assert_inert()
        await monitor.press("enter")
        await monitor.front(RunScreen)
        for key, told in PANES.items():
            await monitor.press(key)
            await monitor.until_pane(told)
            monitor.assert_inert()
            await monitor.press("end")
            monitor.assert_inert()
        await monitor.press("v")
        await monitor.until(lambda: all(word in squeezed(monitor.pane) for word in SHOWN[text]))
        await monitor.press("q")
        await monitor.front(RunsScreen)


async def test_hostile_words_are_refused_in_plain_text(node: NodePeer) -> None:
    async with shown(node.url) as monitor:
        await monitor.shows("● live")
        run_id = await node.done("fails", {"message": WORST})
        await monitor.until_row(run_id, status="✖ failed")
        await monitor.press("t")
        await monitor.shows("New run")
        await monitor.press(*["backspace"] * 5)
        await monitor.press("shift+tab")
        await monitor.paste("[b]no[/b] [x")
        await monitor.press("ctrl+s")
        await monitor.until_dialog("[b]no[/b] [x", "check the name of the job")
        monitor.assert_inert()
