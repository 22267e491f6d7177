"""``durably-tui trigger``: make a new run of a job."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from durably_tui.cli.codes import Code
from durably_tui.cli.options import ConfigOption, JsonOption, ServerOption
from durably_tui.cli.running import run as run_command
from durably_tui.cli.running import usage

if TYPE_CHECKING:
    from durably_tui.client import DurablyClient
    from durably_tui.config import Server

Output = Literal["id", "json", "output"]


def command(
    job: Annotated[str, typer.Argument(metavar="JOB", help="The name of the job.")],
    given: Annotated[
        str,
        typer.Option(
            "--input",
            "-i",
            metavar="JSON|@FILE|-",
            help="The input: JSON, a file with it, or - for the standard input.",
        ),
    ] = "{}",
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label",
            "-l",
            metavar="KEY=VALUE",
            help="Give the run this label; repeatable.",
            show_default=False,
        ),
    ] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY", help="Do not make a second run with this key.", show_default=False
        ),
    ] = None,
    concurrency_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Only one run with this key works at a time.",
            show_default=False,
        ),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the run has ended.")] = False,
    timeout: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="With --wait: how long at most.", show_default=False),
    ] = None,
    output: Annotated[
        Output,
        typer.Option("--output", "-o", help="What to print; output is what the run returned."),
    ] = "id",
    as_json: JsonOption = False,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Make a new run, and print its id.

    With --wait the exit code is 1 if the run failed or was cancelled.
    """
    kind: Output = "json" if as_json else output

    async def work(client: DurablyClient, chosen: Server) -> Code:
        from durably_tui.cli.ending import code_for, ends_of, seconds_of
        from durably_tui.cli.said import flush, json_text, note, out
        from durably_tui.protocol import Disposition, Run, RunStatus, Trigger
        from durably_tui.shapes import run_json
        from durably_tui.state import create_durably_client
        from durably_tui.text import safe

        seconds = seconds_of(timeout, "--timeout")
        if seconds is not None and not wait:
            raise usage("--timeout needs --wait.")
        if kind == "output" and not wait:
            raise usage("-o output needs --wait.")
        actions = create_durably_client(client).use_run_actions()
        triggered = await actions.trigger(
            Trigger(
                job_name=job,
                input=read_input(given),
                labels=read_labels(label or []),
                idempotency_key=idempotency_key,
                concurrency_key=concurrency_key,
            )
        )
        if triggered.disposition is not Disposition.CREATED:
            note(f"No new run was made ({triggered.disposition}): this one has the same key.")
        run = Run(id=triggered.run_id, job_name=job, status=RunStatus.PENDING)
        if kind == "id":
            out(safe(run.id))
            flush()
        if not wait:
            if kind == "json":
                out(json_text(run_json(await client.get_run(run.id) or run)))
            return Code.DONE
        async with aclosing(ends_of(client, [run], seconds)) as ends:
            state = await anext(ends)
        if kind == "json":
            out(json_text(run_json(state.current)))
        elif kind == "output" and state.status is RunStatus.COMPLETED:
            out(json_text(state.output))
        if state.is_gone:
            note(f"{run.id} no longer exists.")
        elif state.status is not RunStatus.COMPLETED:
            how = "was cancelled" if state.status is RunStatus.CANCELLED else f"{state.status}"
            note(f"The run {how}: {state.error}" if state.error else f"The run {how}.")
        return code_for(state)

    run_command(work, server, config)


def read_input(given: str) -> Any:
    """The input: JSON, ``@FILE``, or ``-`` for the standard input.

    Raises:
        Ended: it is not JSON, or cannot be read.
    """
    import json

    where = "--input"
    try:
        if given == "-":
            from durably_tui.cli.reading import standard_input

            where, text = "the standard input", standard_input()
        elif given.startswith("@"):
            where = f"the file {given[1:]}"
            with open(given[1:], encoding="utf-8-sig") as file:
                text = file.read()
        else:
            text = given
        return json.loads(text, parse_constant=_no_json)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        raise usage(f"{where} is not JSON at {at}: {error.msg}.") from None
    except UnicodeDecodeError:
        raise usage(f"{where} is not written in UTF-8.") from None
    except OSError as error:
        raise usage(f"{where} cannot be read: {error.strerror or error}.") from None
    except ValueError as error:
        raise usage(f"{where} is not JSON: {error}.") from None
    except RecursionError:
        raise usage(f"{where} is nested too deeply.") from None


def _no_json(word: str) -> Any:
    raise ValueError(f"{word} is not a number that JSON has")


def read_labels(given: list[str]) -> dict[str, str]:
    """Labels from ``KEY=VALUE``.

    Raises:
        Ended: one is something else.
    """
    labels = {}
    for label in given:
        key, equals, value = label.partition("=")
        if not equals or not key:
            raise usage(f"--label {label!r} is not KEY=VALUE.")
        labels[key] = value
    return labels
