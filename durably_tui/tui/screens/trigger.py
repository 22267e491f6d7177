"""The dialog that makes a new run: a form where the job's schema is known, else a JSON editor."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.getters import query_one
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input, Label, Static

from durably_tui.protocol import DurablyError, Trigger, Triggered
from durably_tui.text import ago, safe
from durably_tui.tui.forms import BadText
from durably_tui.tui.recent_inputs import RecentInput
from durably_tui.tui.widgets.schema_form_editor import Draft, InputEditor

from .trigger_desk import TriggerDesk
from .trigger_fields import BadField, read_job, read_key, read_labels, write_labels
from .trigger_job import JobName

SETTLE_SECONDS = 0.3
"""How long the name of a job must stand before it is looked up."""

RETRY_SECONDS = 2.0
"""After so long a server that could not tell of the job is asked again."""


class TriggerScreen(ModalScreen[Triggered | None]):
    """Asks for a run and sends it; stays open, with everything kept, where it is refused."""

    CSS_PATH = "trigger.tcss"
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        *((0, "-low"), (22, "-middle"), (36, "-high")),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        ("ctrl+s,f2", "submit", "Trigger"),
        ("ctrl+t", "toggle_editor", "Form or JSON"),
        ("ctrl+o", "recall(1)", "Older input"),
        ("ctrl+n", "recall(-1)", "Newer input"),
        ("escape", "dismiss(None)", "Cancel"),
    ]

    input = query_one(InputEditor)

    def __init__(
        self,
        submit: Callable[[Trigger], Awaitable[Triggered]],
        *,
        jobs: Sequence[str] = (),
        like: Trigger | None = None,
        desk: TriggerDesk | None = None,
    ) -> None:
        """Ask, and send with ``submit``.

        Args:
            submit: sends the request; raises a ``DurablyError`` where it is refused.
            jobs: names that were seen, for completion.
            like: what to begin with.
            desk: what is known of jobs; None: nothing.
        """
        super().__init__()
        self._submit = submit
        self._jobs = jobs
        self._like = like or Trigger(job_name="")
        self._desk = desk
        self._job = ""
        """The job of which the schema and the recent inputs are known."""
        self._looked_up = ""
        """The job that was looked up last."""
        self._recent: list[RecentInput] = []
        self._at = -1
        """Which of the recent inputs is shown; -1: none of them."""
        self._own = Draft()
        """What was typed before a recent input was shown."""
        self._settling: Timer | None = None
        self._doubt = ""
        """What speaks against the name of the job."""
        self._noted = ""

    def compose(self) -> ComposeResult:
        """The job, its input, labels and keys, and what is wrong."""
        like = self._like
        with Vertical(id="dialog") as box:
            box.border_title = "New run"
            yield Label("Job")
            yield JobName(like.job_name, self._jobs)
            yield Label("Input (JSON)", id="input-title")
            yield InputEditor(like.input if like.input is not None else {})
            yield Label("Labels")
            yield Input(write_labels(like.labels), placeholder="env=prod team=ops", id="labels")
            with Horizontal(id="keys"):
                yield Input(
                    like.idempotency_key or "", placeholder="idempotency key", id="idempotency"
                )
                yield Input(
                    like.concurrency_key or "", placeholder="concurrency key", id="concurrency"
                )
            yield Static(id="note")
            yield Static(id="trouble")

    def on_mount(self) -> None:
        """Begin where something is missing."""
        self._show_keys()
        self._offer_jobs()
        if self._like.job_name:
            self.input.take_keys()
            self._look_up(self._like.job_name)
        else:
            self.query_one("#job").focus()

    # -- the job ---------------------------------------------------------------------------

    @on(Input.Changed, "#job")
    def _job_typed(self, event: Input.Changed) -> None:
        if self._settling is not None:
            self._settling.stop()
        self._trouble("")
        if name := event.value.strip():
            self._settling = self.set_timer(SETTLE_SECONDS, lambda: self._look_up(name))

    @on(Input.Blurred, "#job")
    def _job_left(self, event: Input.Blurred) -> None:
        if name := event.value.strip():
            self._look_up(name)

    @work(exclusive=True, group="job_lists", exit_on_error=False)
    async def _offer_jobs(self) -> None:
        """Complete the name with the jobs that never ran as well, where the server lists them."""
        if self._desk is not None:
            with contextlib.suppress(DurablyError):
                names = sorted({*self._jobs, *await self._desk.jobs()})
                self.query_one(JobName).offer(names)

    def _look_up(self, name: str) -> None:
        """Find out about a job, unless it is the one that is known or under way."""
        if self._desk is not None and name != self._looked_up:
            self._looked_up = name
            self._learn(self._desk, name)

    @work(exclusive=True, group="job_looks", exit_on_error=False)
    async def _learn(self, desk: TriggerDesk, name: str) -> None:
        """Find out what a job takes and what it was given, and begin with that."""
        try:
            field = await desk.form(name)
        except DurablyError as error:
            self._note(str(error))
            self._looked_up = ""
            self._settling = self.set_timer(RETRY_SECONDS, lambda: self._look_up(name))
            return
        self._note("")
        recent = await desk.recent(name)
        self._recent, self._at = recent, -1
        if self.input.is_typed:
            await self.input.take(field)
        elif self._like.input is not None and name == self._like.job_name:
            await self.input.begin(field, self._like.input)
        else:
            last = recent[0].input if recent and field is None else {}
            await self.input.begin(field, last)
        self._job = name
        self._show_keys()
        self._doubt = await desk.doubt(name)
        self._note(self._doubt)

    # -- the input -------------------------------------------------------------------------

    async def action_toggle_editor(self) -> None:
        """Go from the form to the JSON editor, or back; nothing that was typed is lost."""
        self._trouble(await self.input.toggle() or "")
        self._show_keys()

    @on(InputEditor.Changed)
    def _typed(self, event: InputEditor.Changed) -> None:
        if event.is_typed:
            self._trouble("")
        self._note(event.warning or self._doubt)

    @on(Input.Changed, "#labels, #idempotency, #concurrency")
    def _other_typed(self) -> None:
        self._trouble("")

    async def action_recall(self, by: int) -> None:
        """Go to an older (1) or newer (-1) input of the job; the newest is what was typed."""
        if not self._recent:
            self._note("No earlier input of it is known.")
            return
        at = max(-1, min(self._at + by, len(self._recent) - 1))
        if at == self._at:
            return
        if self._at == -1:
            self._own = self.input.draft()
        self._at = at
        if at < 0:
            await self.input.show(self._own)
            self._note("")
        else:
            recent = self._recent[at]
            await self.input.show(Draft(recent.input))
            self.query_one("#labels", Input).value = write_labels(recent.labels)
            self.query_one("#concurrency", Input).value = recent.concurrency_key or ""
            age = self._desk.now() - recent.at if self._desk and recent.at else None
            when = f", {ago(age)} ago" if age is not None else ""
            self._note(f"Input {at + 1} of {len(self._recent)}{when}. ^N goes back.")
        self._show_keys()

    # -- sending ---------------------------------------------------------------------------

    @on(Input.Submitted)
    def _entered(self) -> None:
        """Enter in a one-line field sends the whole."""
        self.action_submit()

    def action_submit(self) -> None:
        """Check the fields and send them."""
        try:
            request = Trigger(
                job_name=read_job(self.query_one("#job", Input).value),
                input=self._read_input(),
                labels=read_labels(self.query_one("#labels", Input).value),
                idempotency_key=read_key(self.query_one("#idempotency", Input).value),
                concurrency_key=read_key(self.query_one("#concurrency", Input).value),
            )
        except BadField as error:
            self._trouble(str(error))
            if error.field:
                self.query_one(f"#{error.field}").focus()
            return
        self._send(request)

    def _read_input(self) -> object:
        try:
            return self.input.collect()
        except BadText as error:
            said = str(error)
            if not self.input.is_form:
                said = f"The input {said[:1].lower()}{said[1:]}"
            raise BadField("", said) from None

    @work(exclusive=True, group="trigger_sends", exit_on_error=False)
    async def _send(self, request: Trigger) -> None:
        self._trouble("")
        try:
            made = await self._submit(request)
        except DurablyError as error:
            self._trouble(str(error))
            return
        if self._desk is not None:
            await self._desk.remember(request, made.run_id)
        self.dismiss(made)

    # -- what is said ----------------------------------------------------------------------

    def _show_keys(self) -> None:
        """Say which keys there are, and which way of typing the input is in front."""
        is_form = self.input.is_form
        self.query_one("#input-title", Label).update("Input" if is_form else "Input (JSON)")
        keys = ["Tab next field", "^S trigger"]
        if self.input.field is not None:
            keys.append("^T JSON" if is_form else "^T form")
        if self._recent:
            keys.append("^O older input")
        self.query_one("#dialog").border_subtitle = " · ".join([*keys, "Esc cancel"])

    def _note(self, text: str) -> None:
        self._noted = text
        self._say("#note", text)

    def _trouble(self, text: str) -> None:
        if text and text == self._noted:
            self._note("")  # once is enough
        self._say("#trouble", text)

    def _say(self, where: str, text: str) -> None:
        line = self.query_one(where, Static)
        line.update(Content(safe(text, keep_newlines=True)))
        line.display = bool(text)
