"""Server, command line and monitor as processes with marked secrets, and all that they leave."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from support.bad_servers import closed_port
from support.command import COMMAND, Home, run, serving
from support.terminal import Terminal

from tests.proof.report import Trial

TOKEN, READ_TOKEN = "MARKtokenMARK0a1b", "MARKreadMARK2c3d"
PASSWORD, KEY, PRINTED = "MARKpassMARK4e5f", "MARKkeyMARK6a7b", "MARKprintedMARK8c9d"
WRONG = "MARKwrongMARKeeff"
SECRETS = (TOKEN, READ_TOKEN, PASSWORD, KEY, PRINTED, WRONG)

CONFIG = """\
default = "good"

[[servers]]
name = "good"
url = "{url}"
token_env = "GOOD_TOKEN"

[[servers]]
name = "printed"
url = "{url}"
token_command = ["sh", "-c", "cat {printed}"]

[[servers]]
name = "keyed"
url = "{address}"
headers = {{ X-Api-Key = "{key}" }}

[[servers]]
name = "away"
url = "http://ada:{password}@127.0.0.1:{closed}/api/durably"
"""

BROKEN_MONITOR = """\
import sys
from durably_tui.cli import main
from durably_tui.tui.screens.runs import RunsScreen

TOKEN = sys.argv.pop()

def action_refresh(self):
    token = authorization = {"Authorization": "Bearer " + TOKEN}
    raise RuntimeError(f"no good: {authorization}")

RunsScreen.action_refresh = action_refresh
main()
"""
"""A monitor with a fault in it, whose message and whose locals have the token."""


class Watch:
    """Everything that was printed, by what printed it, and every command line that was seen."""

    def __init__(self) -> None:
        self.printed: dict[str, str] = {}
        self.command_lines: set[str] = set()

    def look(self) -> None:
        """Note the command lines of every process of this user."""
        for process in Path("/proc").iterdir():
            if process.name.isdigit() and int(process.name) != os.getpid():
                with contextlib.suppress(OSError):
                    line = (process / "cmdline").read_bytes().replace(b"\0", b" ")
                    self.command_lines.add(line.decode(errors="replace"))


def _commands(home: Home, watch: Watch, run_id: str, short: bool) -> None:
    """Each command against a server that is there, one that refuses, and one that is not."""
    asked = [
        *(["runs"], ["runs", "-o", "json"], ["run", run_id], ["steps", run_id], ["logs", run_id]),
        *(["jobs"], ["stats"], ["trigger", "say", "--input", '{"text": "x"}'], ["servers"]),
        *(["doctor"], ["doctor", "--json"], ["config", "show"], ["retry", run_id]),
    ]
    for arguments in asked[:: 3 if short else 1]:
        name = " ".join(arguments)
        _keep(watch, name, run(home, *arguments, GOOD_TOKEN=TOKEN))
    refused = [["runs"], ["doctor"], ["trigger", "say"], ["logs", run_id]]
    for arguments in refused[: 1 if short else None]:
        for server, token in (("good", WRONG), ("keyed", ""), ("away", ""), ("printed", "")):
            name = f"{arguments[0]} on {server}"
            _keep(watch, name, run(home, "-s", server, *arguments, GOOD_TOKEN=token))
    url = f"http://ada:{PASSWORD}@127.0.0.1:9/api/durably"
    _keep(watch, "an address with a password", run(home, "runs", "-s", url))


def _keep(watch: Watch, name: str, answer: subprocess.CompletedProcess[str]) -> None:
    watch.printed[name] = answer.stdout + answer.stderr
    watch.look()


def _monitor(home: Home, watch: Watch, broken: Path) -> None:
    """The monitor, looked at and left; and one that crashes with the token in its hands."""
    with Terminal([*COMMAND], env=home.env(GOOD_TOKEN=TOKEN), columns=200) as terminal:
        terminal.wait_for("● live")
        terminal.send("5")
        terminal.wait_for("printed", "keyed")
        terminal.send("?")
        terminal.wait_for("Keys")
        terminal.send("\x1b")
        terminal.wait_for(lambda screen: "Keys" not in screen)
        watch.look()
        terminal.send("1")
        terminal.wait_for("all runs")
        terminal.send("q")
        terminal.wait_exit()
        watch.printed["monitor"] = bytes(terminal.written).decode(errors="replace")
    argv = [sys.executable, str(broken), TOKEN]
    # The last argument is taken away again before the command line is read.
    with Terminal(argv, env=home.env(GOOD_TOKEN=TOKEN), columns=200) as terminal:
        terminal.wait_for("● live")
        terminal.send("\x12")
        terminal.wait_exit()
        watch.printed["crashed monitor"] = bytes(terminal.written).decode(errors="replace")
    if "failed unexpectedly" not in watch.printed["crashed monitor"]:
        raise AssertionError("the monitor did not crash, so nothing is known of what it leaves")


@contextlib.contextmanager
def _peers(home: Home) -> Iterator[tuple[str, str, int]]:
    with (
        serving(home, DURABLY_TOKEN=TOKEN, DURABLY_READ_TOKEN=READ_TOKEN) as served,
        closed_port() as closed,
    ):
        yield served.url, served.url, int(closed.url.split(":")[2].split("/")[0])
        _, said = served.stop()
        (home.folder / "server.out").write_text(served.said + said)


def no_secret_gets_out(trial: Trial) -> str:
    """What is printed, logged, left in files, or seen by ``ps``, has none of the secrets in it."""
    home, watch = Home(trial.folder), Watch()
    printed, broken = trial.folder / "printed.secret", trial.folder / "broken.secret"
    printed.write_text(PRINTED)
    broken.write_text(BROKEN_MONITOR)
    with _peers(home) as (url, address, closed):
        home.configure(
            CONFIG.format(
                url=url, address=address, closed=closed, printed=printed, key=KEY,
                password=PASSWORD,
            )
        )  # fmt: skip
        made = run(home, "trigger", "say", "--input", '{"text": "x"}', "-o", "id", GOOD_TOKEN=TOKEN)
        run_id = made.stdout.strip()
        if not run_id:
            raise AssertionError(f"no run was made: {made.stderr}")
        _commands(home, watch, run_id, trial.short)
        _monitor(home, watch, broken)
    for what, text in watch.printed.items():
        for secret in SECRETS:
            trial.expect(secret not in text, f"{what} prints {secret}", [text[:2000]])
    ours = [line for line in watch.command_lines if str(broken) not in line]
    for line in ours:
        trial.expect(not any(s in line for s in SECRETS), f"a command line: {line[:200]}")
    files = 0
    for path in trial.folder.rglob("*"):
        # The configuration and the command that prints a token are where a person put them.
        if not path.is_file() or path.suffix == ".secret" or path.name == "config.toml":
            continue
        files += 1
        content = path.read_bytes()
        for secret in SECRETS:
            found = secret.encode() in content
            trial.expect(not found, f"{path.relative_to(trial.folder)} holds {secret}")
    log = home.logged()
    trial.expect("Traceback" in log, "the crash is not in the log")
    return (
        f"{len(watch.printed)} outputs, {files} files, {len(ours)} command lines, "
        f"a crash of {len(log)} bytes"
    )
