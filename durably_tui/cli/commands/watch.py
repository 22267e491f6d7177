"""``durably-tui watch``: show the progress of runs until they end."""

from __future__ import annotations

import sys
from contextlib import aclosing
from typing import TYPE_CHECKING

from durably_tui.cli.codes import Code
from durably_tui.cli.options import ConfigOption, IdsArgument, ServerOption
from durably_tui.cli.running import run as run_command

if TYPE_CHECKING:
    from durably_tui.client import DurablyClient
    from durably_tui.config import Server


def command(
    ids: IdsArgument = None,
    server: ServerOption = None,
    config: ConfigOption = None,
) -> None:
    """Show the progress of runs until they end; without any, of all that are not over, for ever.

    The exit code is 1 if one of them failed or was cancelled. Where the output is no terminal, a
    line tells of each change.
    """

    async def work(client: DurablyClient, chosen: Server) -> Code:
        from durably_tui.cli.bars import shown
        from durably_tui.cli.ending import code_for, worse
        from durably_tui.cli.pick import found_runs, ids_given
        from durably_tui.cli.watching import news_of, news_of_all
        from durably_tui.state import create_durably_client

        of_all = not ids and (sys.stdin is None or sys.stdin.isatty())
        runs = [] if of_all else await found_runs(client, ids_given(ids))
        codes: dict[str, Code] = {}
        async with create_durably_client(client) as hooks:
            news = news_of_all(hooks) if of_all else news_of(hooks, runs)
            with shown() as picture:
                async with aclosing(news) as states:
                    async for state in states:
                        picture.tell(state)
                        if state.settled or state.is_gone:
                            codes[state.run_id] = code_for(state)
        code = Code.DONE
        for each in codes.values():
            code = worse(code, each)
        return code

    run_command(work, server, config)
