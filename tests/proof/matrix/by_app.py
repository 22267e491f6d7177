"""The monitor, driven by keys, of which only what is on the screen counts."""

from __future__ import annotations

import json
from typing import Any

from support.shown import shown
from textual.widgets import Input, TextArea

from durably_tui.text import short_id
from durably_tui.tui.screens.confirm import ConfirmScreen
from durably_tui.tui.screens.jobs import JobsScreen
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import RunsScreen
from durably_tui.tui.screens.trigger import TriggerScreen
from tests.proof.matrix.driver import APP, Driver, Followed
from tests.proof.matrix.servers import until

_SIZE = (160, 60)


class ByApp(Driver):
    """Between the calls the place Runs is in front."""

    name = APP

    async def open(self) -> None:
        self.app = await self._life.enter_async_context(shown(self.url, size=_SIZE))
        await self.app.shows("● live")

    async def runs(self, status: str) -> list[str]:
        """By the filter line; back to all runs afterwards."""
        app = self.app
        answer = await self.world.ask("GET", "/runs")
        today = {"leased": "running"}
        wanted = [r["id"] for r in answer.json() if today.get(r["status"], r["status"]) == status]
        await app.press("slash")
        await app.paste(f"status:{status}")
        await app.press("enter")
        await app.until_table(*wanted)
        await app.press("escape")
        await until("all runs", lambda: len(app.table) >= len(wanted))
        return wanted

    async def trigger(self, job: str, input: Any) -> str:
        app = self.app
        before = {run["id"] for run in (await self.world.ask("GET", "/runs")).json()}
        await app.press("t")
        await app.front(TriggerScreen)
        await app.until_dialog("New run")
        dialog = app.at(TriggerScreen)
        while app.app.focused is None or app.app.focused.id != "job":
            await app.press("shift+tab")
        await self._replace(job)
        await app.press("tab")
        if self.world.is_ours:  # the server says what the input is, so there is a form for it
            await app.until_dialog(f"{next(iter(input))} *")
            await app.until(lambda: dialog.input.is_form, "a form")
            await app.press("ctrl+t")
        await app.until(lambda: isinstance(app.app.focused, TextArea), "a field for the input")
        await self._replace(json.dumps(input))
        await app.press("ctrl+s")
        await app.front(RunsScreen)
        runs = (await self.world.ask("GET", "/runs")).json()
        (new,) = [run["id"] for run in runs if run["id"] not in before]
        return str(new)

    async def _replace(self, text: str) -> None:
        field = self.app.app.focused
        assert isinstance(field, Input | TextArea), field
        if isinstance(field, TextArea):
            await self.app.press("f7", "backspace")
        else:
            await self.app.press("home", "ctrl+k")
        await self.app.paste(text)

    async def sees(self, run_id: str, status: str | None, job: str = "steps") -> None:
        if status is None:
            await self.app.until(
                lambda: short_id(run_id) not in self.app.shown_ids, f"no row {run_id}"
            )
        else:
            await self.app.until_row(run_id, status=status, job=job)

    async def _on(self, run_id: str) -> None:
        """Go to its row by key."""
        app, table = self.app, self.app.runs.table
        await app.press("g")
        await app.until(lambda: table.cursor_index == 0, "the first row")
        while (before := table.cursor_key) != run_id:
            await app.press("j")
            await app.until(lambda before=before: table.cursor_key != before, f"row {run_id}")

    async def follow(self, run_id: str, job: str) -> None:
        await self._on(run_id)
        await self.app.until(
            lambda: (seen := self.app.runs.seen) is not None and seen.run_id == run_id
            and seen.connection.epoch > 0,
            "its stream",
        )  # fmt: skip

    async def followed(self, run_id: str, wanted: Followed) -> None:
        app = self.app
        await self._on(run_id)
        await app.press("enter")
        await app.front(RunScreen)
        await app.until_pane(wanted.status)
        await app.press("l")
        await app.until_pane(*wanted.lines)
        await app.press("e")
        if wanted.error:
            await app.until_pane(wanted.error)
        for key, value in (wanted.output or {}).items():
            await app.until_pane(key, json.dumps(value))
        await app.press("escape")
        await app.front(RunsScreen)

    async def heard(self, run_id: str, *events: str) -> None:
        app = self.app
        await self._on(run_id)
        await app.press("enter")
        await app.front(RunScreen)
        await app.press("E")
        await app.until_pane(*events)
        await app.press("escape")
        await app.front(RunsScreen)

    async def run(self, run_id: str) -> str | None:
        """What the place of the run says, once the server was asked for it (``ctrl+r``)."""
        if await self.world.run(run_id) is None:
            return None
        status = self.app.row(run_id)["STATUS"].split()[-1]
        await self._on(run_id)
        await self.app.press("enter")
        await self.app.front(RunScreen)
        await self.app.press("ctrl+r")
        await self.app.until_pane(status)
        await self.app.press("escape")
        await self.app.front(RunsScreen)
        return status

    async def steps(self, run_id: str) -> list[tuple[str, str]]:
        answer = (await self.world.ask("GET", "/steps", runId=run_id)).json()
        kept = [(step["name"], step["status"]) for step in answer]
        await self._on(run_id)
        await self.app.press("enter")
        await self.app.front(RunScreen)
        await self.app.press("s")
        await self.app.until_pane(*(name for name, _ in kept))
        await self.app.press("escape")
        await self.app.front(RunsScreen)
        return kept

    async def cancel(self, run_id: str) -> None:
        await self._on(run_id)
        await self.app.press("c")

    async def delete(self, run_id: str) -> None:
        await self._on(run_id)
        await self.app.press("D")
        await self.app.front(ConfirmScreen)
        await self.app.press("y")
        await self.app.front(RunsScreen)

    async def retry(self, run_id: str) -> None:
        await self._on(run_id)
        await self.app.press("r")

    async def retrigger(self, run_id: str) -> str:
        before = {run["id"] for run in (await self.world.ask("GET", "/runs")).json()}
        await self._on(run_id)
        await self.app.press("R")
        await self.app.until_toast("A new run with the same input was made")
        runs = (await self.world.ask("GET", "/runs")).json()
        (new,) = [run["id"] for run in runs if run["id"] not in before]
        return str(new)

    async def extras(self, run_id: str) -> None:
        await self.app.press("2")
        await self.app.front(JobsScreen)
        await self.app.shows("steps", "fails", "hostile")  # the last one never ran
        await self.app.press("1")
        await self.app.front(RunsScreen)
