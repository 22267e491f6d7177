"""The commands that change runs: one declaration for ``retry``, ``retrigger``, ``cancel`` and
``delete``, which differ in what they do only."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .codes import Code, code_of
from .options import ConfigOption, IdsArgument, JsonOption, ServerOption
from .running import Ended, run, usage

if TYPE_CHECKING:
    from durably_tui.client import DurablyClient
    from durably_tui.config import Server
    from durably_tui.protocol import Run
    from durably_tui.state import Action, ActionResult, Bulk

Output = Literal["text", "ndjson", "id"]


def acting(name: str, help: str) -> Callable[..., None]:
    """The command that does one action, by the name of the action."""

    def command(
        ids: IdsArgument = None,
        wanted: Annotated[
            list[str] | None,
            typer.Option(
                "--filter",
                "-f",
                metavar="FILTER",
                help="Instead of ids: all runs that match this filter.",
                show_default=False,
            ),
        ] = None,
        yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Only say what would be done.")
        ] = False,
        output: Annotated[
            Output,
            typer.Option(
                "--output", "-o", help="What to print of each; id is that of the run that goes on."
            ),
        ] = "text",
        as_json: JsonOption = False,
        server: ServerOption = None,
        config: ConfigOption = None,
    ) -> None:
        kind: Output = "ndjson" if as_json else output

        async def work(client: DurablyClient, chosen: Server) -> Code:
            return await _act(client, chosen, name, ids, wanted, yes, dry_run, kind)

        run(work, server, config)

    command.__doc__ = help
    return command


async def _act(
    client: DurablyClient,
    server: Server,
    name: str,
    ids: list[str] | None,
    wanted: list[str] | None,
    yes: bool,
    dry_run: bool,
    kind: Output,
) -> Code:
    from durably_tui.state import Action, Bulk, Outcome, create_durably_client

    from .said import note

    action = Action(name)
    if client.read_only and not dry_run:
        raise Ended(Code.REFUSED, f"{server.title} was opened read-only: nothing was sent.")
    runs = await _meant(client, ids, wanted)
    actions = create_durably_client(client).use_run_actions()
    doing = _Doing(action, getattr(actions, "delete_run" if name == "delete" else name), kind)
    bulk = doing.bulk = Bulk(action, doing.act, runs)
    applicable = bulk.applicable
    skipped = [item for item in bulk.state.items if item.outcome is Outcome.SKIPPED]
    if wanted is None:
        for item in skipped:
            note(f"{item.run.id}: {item.message}.")
            doing.code = Code.REFUSED
    if not applicable:
        if wanted is not None or not skipped:
            note(f"There is no run to {name}.")
        return doing.code
    if dry_run:
        would = await _would(client, action)
        for run in applicable:
            _tell(kind, run.id, action, f"{run.job_name}, {run.status}: would be {would}")
        return doing.code
    if not yes and (action is Action.DELETE or len(applicable) > 1):
        _ask(server, action, applicable, len(skipped) if wanted is not None else 0)
    bulk.start()
    try:
        await bulk.finished()
    finally:
        await bulk.aclose()
    if doing.unread is not None:
        raise doing.unread
    return doing.code


class _Doing:
    """Does it to one run after the other, and tells what became of each."""

    bulk: Bulk
    """Which asks for them."""

    def __init__(
        self, action: Action, do: Callable[[str], Awaitable[ActionResult]], kind: Output
    ) -> None:
        self.code = Code.DONE
        self.unread: BrokenPipeError | None = None
        """Nobody reads any more, as with ``| head``: nothing more is begun."""
        self._do = do
        self._kind: Output = kind
        self._goes_on = action.value in ("retry", "retrigger")

    async def act(self, run_id: str) -> ActionResult:
        """Do it to one run.

        Raises:
            DurablyError: it could not be done, which was told.
        """
        from durably_tui.protocol import DurablyError

        from .said import note

        try:
            result = await self._do(run_id)
        except DurablyError as error:
            self._say(note, f"{run_id}: {error}")
            self.code = self.code or code_of(error)
            raise
        next_run_id = result.next_run_id if self._goes_on else None
        self._say(_tell, self._kind, run_id, result.action, result.message, next_run_id)
        return result

    def _say(self, tell: Callable[..., None], *what: Any) -> None:
        from .said import flush

        try:
            tell(*what)
            flush()
        except BrokenPipeError as error:
            self.unread = error
            self.bulk.stop()


async def _meant(
    client: DurablyClient, ids: list[str] | None, wanted: list[str] | None
) -> list[Run]:
    """The runs of these ids, or all that match a filter.

    Raises:
        Ended: both are given, or the filter is none.
    """
    from .pick import filter_of, found_runs, ids_given, runs_of

    if wanted is None:
        return await found_runs(client, ids_given(ids))
    if ids:
        raise usage("give ids or --filter, not both.")
    matching = filter_of(wanted)
    if not matching:
        raise usage("--filter is empty: it would be every run.")
    return await runs_of(client, matching, None)


async def _would(client: DurablyClient, action: Action) -> str:
    """What would be done to a run."""
    if action.value == "retry" and (await client.probe()).retry is False:
        return "retried, as a new run"
    return _DONE[action]


_DONE = {
    "retry": "retried",
    "retrigger": "retriggered",
    "cancel": "cancelled",
    "delete": "deleted",
}


def _tell(
    kind: Output, run_id: str, action: Action, message: str, next_run_id: str | None = None
) -> None:
    """Print what was done to one run."""
    from durably_tui.text import safe

    from .said import json_line, out

    match kind:
        case "id":
            out(safe(next_run_id or run_id))
        case "ndjson":
            told: dict[str, Any] = {"id": run_id, "action": action.value, "message": message}
            if next_run_id is not None:
                told["nextRunId"] = next_run_id
            out(json_line(told))
        case _:
            # The run that goes on stands first: that is what a pipe into `wait` takes.
            is_new = next_run_id not in (None, run_id)
            out(safe(f"{next_run_id or run_id} {message}" + (f" (of {run_id})" if is_new else "")))


def _ask(server: Server, action: Action, runs: Sequence[Run], others: int) -> None:
    """Ask whether it is meant.

    Raises:
        Ended: it is not, or there is nobody to ask.
    """
    what = f"{action.value} {len(runs)} run{'s' if len(runs) > 1 else ''} on {server.title}"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise usage(f"this would {what}: add --yes where nobody can be asked.")
    from .reading import answer

    if others:
        what += f" ({others} more match, but their status does not allow it)"
    if server.production and server.name:
        question = f"{what[:1].upper()}{what[1:]}? This is production: type {server.name!r}: "
        meant = answer(question) == server.name
    else:
        meant = answer(f"{what[:1].upper()}{what[1:]}? [y/N] ").lower() in ("y", "yes")
    if not meant:
        raise Ended(Code.USAGE, "Nothing was done.")
