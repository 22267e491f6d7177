"""The dialog that makes a new run: job, input and labels, checked before anything is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label, Static, TextArea

from durably_tui.protocol import DurablyError, Trigger, Triggered
from durably_tui.text import safe

_LABEL_KEY = re.compile(r"[a-zA-Z0-9\-_./]+")


class BadField(ValueError):
    """A field of the dialog that cannot be sent; ``field`` is its widget's id."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def read_job(text: str) -> str:
    """The job's name."""
    if not text.strip():
        raise BadField("job", "Name the job that is to run.")
    return text.strip()


def read_input(text: str) -> Any:
    """The input, from JSON; nothing at all reads as an empty object."""
    if not text.strip():
        return {}
    try:
        return json.loads(text, parse_constant=_no_such_number)
    except json.JSONDecodeError as error:
        raise BadField(
            "input",
            f"The input is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
        ) from None
    except RecursionError:
        raise BadField("input", "The input is not JSON that can be read: too deep.") from None


def _no_such_number(word: str) -> Any:
    raise BadField("input", f"The input is not JSON: it knows no number {word}.")


def read_labels(text: str) -> dict[str, str]:
    """Labels from ``key=value`` words; keys match ``[a-zA-Z0-9\\-_./]+`` as Durably wants them."""
    labels: dict[str, str] = {}
    for word in text.split():
        key, equals, value = word.partition("=")
        if not equals:
            raise BadField("labels", f"The label {word!r} is not key=value.")
        if not _LABEL_KEY.fullmatch(key):
            raise BadField(
                "labels", f"The label key {key!r} may have only letters, digits and - _ . / in it."
            )
        labels[key] = value
    return labels


def write_labels(labels: dict[str, str]) -> str:
    """Labels as the dialog shows them."""
    return " ".join(f"{key}={value}" for key, value in labels.items())


class TriggerScreen(ModalScreen[Triggered | None]):
    """Asks for a run and sends it; stays open, with everything kept, where it is refused."""

    CSS_PATH = "trigger.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (22, "-high")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        ("ctrl+s", "submit", "Trigger"),
        ("f2", "submit", "Trigger"),
        ("escape", "dismiss(None)", "Cancel"),
    ]

    def __init__(
        self,
        submit: Callable[[Trigger], Awaitable[Triggered]],
        *,
        jobs: Sequence[str] = (),
        like: Trigger | None = None,
    ) -> None:
        """Ask, and send with ``submit``.

        Args:
            submit: sends the request; raises a ``DurablyError`` where it is refused.
            jobs: names that were seen, for completion.
            like: what to begin with.
        """
        super().__init__()
        self._submit = submit
        self._jobs = jobs
        self._like = like or Trigger(job_name="")

    def compose(self) -> ComposeResult:
        """Three fields, a line for what is wrong, and the keys."""
        like = self._like
        with Vertical(id="dialog") as box:
            box.border_title = "New run"
            box.border_subtitle = "Tab next field · Ctrl+S trigger · Esc cancel"
            yield Label("Job")
            yield Input(
                like.job_name,
                placeholder="the job's name" + (f", such as {self._jobs[0]}" if self._jobs else ""),
                suggester=SuggestFromList(self._jobs, case_sensitive=False),
                id="job",
            )
            yield Label("Input (JSON)")
            text = json.dumps(like.input if like.input is not None else {}, indent=2)
            yield TextArea(text, id="input", show_line_numbers=False, tab_behavior="focus")
            yield Label("Labels")
            yield Input(write_labels(like.labels), placeholder="env=prod team=ops", id="labels")
            yield Static(id="trouble")

    def on_mount(self) -> None:
        """Begin where something is missing; what is typed into an empty object replaces it."""
        if not self._like.input:
            self.query_one("#input", TextArea).select_all()
        self.query_one("#input" if self._like.job_name else "#job").focus()

    def on_input_submitted(self) -> None:
        """Enter in a one-line field sends the whole."""
        self.action_submit()

    def action_submit(self) -> None:
        """Check the fields and send them."""
        try:
            request = Trigger(
                job_name=read_job(self.query_one("#job", Input).value),
                input=read_input(self.query_one("#input", TextArea).text),
                labels=read_labels(self.query_one("#labels", Input).value),
            )
        except BadField as error:
            self._trouble(str(error))
            self.query_one(f"#{error.field}").focus()
            return
        self._send(request)

    @work(exclusive=True, group="trigger_sends", exit_on_error=False)
    async def _send(self, request: Trigger) -> None:
        self._trouble("")
        try:
            self.dismiss(await self._submit(request))
        except DurablyError as error:
            self._trouble(str(error))

    def _trouble(self, text: str) -> None:
        line = self.query_one("#trouble", Static)
        line.update(Content(safe(text, keep_newlines=True)))
        line.display = bool(text)
