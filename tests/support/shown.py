"""What the monitor shows of a server, read off the screen: cells of rows, the bar, the panes."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

from rich.cells import cell_len
from support.hostile import is_inert
from support.monitor import Monitor
from support.peers import QUICK
from textual.events import Paste
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static
from textual.widgets._toast import Toast

from durably_tui.client import DurablyClient
from durably_tui.state import create_durably_client
from durably_tui.text import short_id
from durably_tui.tui.app import MonitorApp
from durably_tui.tui.screens.runs import RunsScreen
from durably_tui.tui.session import Session
from durably_tui.tui.widgets.run_detail import RunDetail
from durably_tui.tui.widgets.run_table import RunTable

BORDERS = " │▌┃"
Cells = dict[str, str]
"""One line of the table: what stands in each of its columns, without the space around it."""


class Shown(Monitor):
    """A running monitor, of which only what is on the screen counts."""

    def area(self, widget: Widget) -> list[Strip]:
        """What the screen shows where a widget is."""
        region = widget.region
        return [s.crop(region.x, region.right) for s in self.strips[region.y : region.bottom]]

    @property
    def bar(self) -> str:
        """The bar on top."""
        return self.strips[0].text

    @property
    def table(self) -> list[Cells]:
        """The rows of the table in front, from its top."""
        table = self.app.screen.query_one(RunTable)
        head, *lines = self.area(table)
        rows = []
        for line in lines:
            cells = {
                str(at.column.title): line.crop(at.x, at.x + at.width).text.strip()
                for at in table._placed
            }
            if cells["STATUS"]:
                rows.append(cells)
        assert all(str(at.column.title) in head.text for at in table._placed), head.text
        return rows

    @property
    def shown_ids(self) -> list[str]:
        """The ids in the table as it shows them: their ends."""
        return [cells["ID"] for cells in self.table]

    def row(self, run_id: str) -> Cells:
        """The row of a run; every cell is empty where the table shows no such run."""
        found = [cells for cells in self.table if cells["ID"] == short_id(run_id)]
        assert len(found) <= 1, found
        return found[0] if found else dict.fromkeys(("STATUS", "JOB", "PROGRESS", "STEP"), "")

    @property
    def pane(self) -> str:
        """The pane of the run that is in front, its tabs included."""
        strips = self.area(self.app.screen.query_one(RunDetail))
        return "\n".join(strip.text.rstrip() for strip in strips)

    @property
    def trouble(self) -> str:
        """The sentence that says what is wrong, as one line; empty where none is shown."""
        line = self.app.screen.query_one("#trouble", Static)
        return self.flat(line) if line.display else ""

    async def until_row(self, run_id: str, **cells: str) -> None:
        """Wait until the row of a run has these texts in these cells."""

        def is_so() -> bool:
            row = self.row(run_id)
            return all(text in row[name.upper()] for name, text in cells.items())

        await self.until(is_so, f"a row {short_id(run_id)} with {cells}")

    async def until_table(self, *run_ids: str) -> None:
        """Wait until exactly these runs are the rows, in this order."""
        wanted = [short_id(run_id) for run_id in run_ids]
        await self.until(lambda: self.shown_ids == wanted, f"the rows {wanted}")

    async def until_pane(self, *texts: str) -> None:
        """Wait until the pane shows all of these."""
        await self.until(lambda: all(text in self.pane for text in texts), f"a pane with {texts}")

    def flat(self, widget: Widget) -> str:
        """What the screen shows of a widget as one line, without borders."""
        return " ".join("".join(s.text.strip(BORDERS) + " " for s in self.area(widget)).split())

    async def until_toast(self, *texts: str) -> None:
        """Wait until one toast on the screen has all of these in it."""
        await self.until(
            lambda: any(
                all(text in self.flat(toast) for text in texts)
                for toast in self.app.screen.query(Toast)
            ),
            f"a toast with {texts}",
        )

    async def until_dialog(self, *texts: str) -> None:
        """Wait until the dialog in front shows all of these."""
        await self.until(
            lambda: all(text in self.flat(self.app.screen.query_one("#dialog")) for text in texts),
            f"a dialog with {texts}",
        )

    async def type(self, text: str) -> None:
        """Type a text into what has the focus."""
        await self.press(*text)

    async def paste(self, text: str) -> None:
        """Paste a text into what has the focus, as a terminal does."""
        self.app.post_message(Paste(text))
        await self.pilot.pause()

    def assert_inert(self) -> None:
        """No line holds what a terminal could obey, and each is as wide as the screen."""
        for strip in self.strips:
            assert is_inert(strip.text), ascii(strip.text)
            assert cell_len(strip.text) == self.app.size.width, strip.text


@contextlib.asynccontextmanager
async def shown(
    url: str,
    *,
    size: tuple[int, int] = (120, 40),
    token: str | None = None,
    verify: bool | ssl.SSLContext = True,
) -> AsyncIterator[Shown]:
    """The monitor on the server at `url`; once it is left, nothing of it goes on."""
    client = DurablyClient(url, token=token, verify=verify, pace=QUICK)
    session = Session(create_durably_client(client), client.url, close=client.aclose)
    app = MonitorApp(session)
    app._plain = False  # the terminal of a test run may know less than UTF-8
    app.NOTIFICATION_TIMEOUT = 20  # a busy machine looks less often than a person
    async with app.run_test(size=size, notifications=True) as pilot:
        monitor = Shown(app, pilot)
        await monitor.front(RunsScreen)
        yield monitor
    ours = ("durably", "inspector")
    left = [task for task in asyncio.all_tasks() if task.get_name().startswith(ours)]
    assert not left, left
