"""Every command as a process: on our server and on Node's, in a pipe and in a terminal.

What a command does in detail is tested beside; here no command, server or way is left out.
"""

from __future__ import annotations

import os
import re
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.command import COMMAND, Home, run
from support.command_server import CommandServer
from support.made_recording import write
from support.terminal import Terminal

from durably_tui.cli.commands import ENTRIES

from .conftest import Invoke


@dataclass(frozen=True)
class Case:
    """A command line and what is expected of it."""

    line: str
    """``{failed}``, ``{done}`` and ``{works}`` are ids of runs, ``{file}`` a path, ``{url}`` the
    address of the server, which is also in the environment."""
    out: str = ""
    """A regular expression for the whole standard output; ``ID`` stands for the run's."""
    err: str = ""
    code: int = 0
    node_out: str | None = None
    """The same for the Node server, where that is other."""
    node_err: str | None = None


SCREEN = "Error: The monitor needs a terminal; run it in one."
OWN_TESTS = {"serve": "test_serve.py", "demo": "../e2e/test_demo.py"}
"""Commands that ask no server, with where they are tested in full."""

CASES = {
    "watch": Case("watch {failed}", r"ID fails failed no", code=1),
    "events": Case("events {failed}", r'\{"type":"run:fail","runId":"ID",.*"error":"no".*\}'),
    "record": Case(
        "record {file} --for 300ms",
        err=r"Recording {url} into \S+; it stops after 300ms.\n"
        r"Recorded 00:00: \d+ events? and \d+ answers?, \d+ kB in \S+",
    ),
    "runs": Case("runs job:fails status:failed -n 1 -o csv", r"id,job,.*\n\w{26},fails,failed,.*"),
    "run": Case("run {failed}", r"id: +ID\njob: +fails\nstatus: +failed\n[^$]*error:\n  no\n[^$]*"),
    "steps": Case("steps {works} -o ndjson", r'(\{"id":.*"runId":"ID","name":"step-.*\n?)+'),
    "logs": Case(
        "logs -f {done}",
        r"\S+ info  finished step 0 \{\"i\": 0\}\n\S+ info  finished step 1 \{\"i\": 1\}",
        node_out="",
        node_err="No line came before the runs ended, and this server stores none.",
    ),
    "jobs": Case(
        "jobs -o csv",
        r"name,pending,[^$]*\nfails,\d+,\d+,0,[^$]*",
        node_err=r"This server counts nothing: these figures cover its newest runs only\.",
    ),
    "stats": Case(
        "stats -o csv",
        r"job,completed,[^$]*\nfails,0,[^$]*",
        node_err=r"This server counts nothing: these figures cover its newest runs only\.",
    ),
    "trigger": Case(
        """trigger fails -i {{"message":"no"}} --wait""", r"\w{26}", "The run failed: no", 1
    ),
    "retry": Case(
        "retry {failed}",
        r"ID The same run resumes after its last finished step\.",
        node_out=r"(\w{26}) A new run with the same input was made: \1\. \(of ID\)",
    ),
    "retrigger": Case(
        "retrigger {done} -o ndjson",
        r'\{"id":"ID","action":"retrigger","message":".*","nextRunId":"\w{26}"\}',
    ),
    "cancel": Case("cancel {works}", r"ID Cancelled\."),
    "delete": Case("delete {failed} --yes", r"ID Deleted\."),
    "wait": Case("wait {failed}", "ID fails failed: no", code=1),
    "servers": Case("servers -o csv", r",name,url,.*\n\*,here,{url},.*"),
    "doctor": Case("doctor", r"ok    versions +[^$]*\nok    stream +open, [^$]*"),
    "config": Case("config path", r"/\S+/config/durably-tui/config\.toml"),
    "completion": Case("completion bash", r"_durably_tui_completion\(\) \{\n[^$]*"),
}
MONITOR = {
    "open": ("open {url}", ("● live", "fails")),
    "replay": ("replay {file}", ("REPLAY", "import-csv")),
}
"""Commands that take the whole screen, and what is seen on it."""


@pytest.fixture(params=["shared", pytest.param("node", marks=pytest.mark.node)])
def server(request: pytest.FixtureRequest) -> CommandServer:
    found: CommandServer = request.getfixturevalue(request.param)
    return found


@dataclass(frozen=True)
class Scene:
    """A command line that was made for a server, and what it concerns."""

    home: Home
    server: CommandServer
    arguments: list[str]
    run_id: str

    def fits(self, pattern: str, text: str, *, whole: bool = True) -> bool:
        """Whether the text is as expected; ``whole`` is with nothing before and behind."""
        pattern = pattern.replace("ID", self.run_id).replace("{url}", re.escape(self.server.url))
        found = re.fullmatch if whole else re.search
        return found(pattern.replace("[^$]", r"[\s\S]"), text.rstrip()) is not None


def scene(home: Home, server: CommandServer, line: str) -> Scene:
    """Make the runs that a command line is about."""
    home.configure(f'default = "here"\n[[servers]]\nname = "here"\nurl = "{server.url}"\n')
    names = {"url": server.url, "file": str(home.folder / "made.ndjson"), "run": ""}
    if "{failed}" in line:
        names["run"] = names["failed"] = server.done("fails", {"message": "no"})
    elif "{done}" in line:
        names["run"] = names["done"] = server.done("steps", {"count": 2})
    elif "{works}" in line:
        names["run"] = names["works"] = server.trigger("steps", {"count": 9000, "delayMs": 5})
        server.until(names["run"], lambda run: run["completedStepCount"] > 0)
    else:
        server.done("fails", {"message": "no"})
    return Scene(home, server, line.format(**names).split(), names["run"])


def test_no_command_is_left_out() -> None:
    assert {entry.name for entry in ENTRIES} == {*CASES, *MONITOR, *OWN_TESTS}
    for file in OWN_TESTS.values():
        assert (Path(__file__).parent / file).is_file()


@pytest.mark.parametrize("name", CASES)
def test_into_a_pipe(home: Home, server: CommandServer, name: str) -> None:
    case = CASES[name]
    made = scene(home, server, case.line)
    answer = run(home, *made.arguments)
    out, err = expected(case, server)
    assert made.fits(out, answer.stdout), answer
    assert made.fits(err, answer.stderr), answer
    assert answer.returncode == case.code
    assert "\x1b" not in answer.stdout + answer.stderr
    after(made, case)


@pytest.mark.parametrize("name", CASES)
def test_in_a_terminal(home: Home, server: CommandServer, name: str) -> None:
    case = CASES[name]
    made = scene(home, server, case.line)
    with Terminal([*COMMAND, *made.arguments], env=home.env(), columns=400) as terminal:
        assert terminal.wait_exit() == case.code
        assert terminal.is_restored
        said = "\n".join(line.rstrip() for line in terminal.text.split("\n"))
    assert "Traceback" not in said
    if name == "watch":  # a bar, with the end of the id only
        assert f"fails {made.run_id[-8:]} failed" in said
        return
    out, err = expected(case, server)
    # A terminal shows the time of the day only, and both streams in one.
    assert made.fits(out, said, whole=False), said
    assert made.fits(err, said, whole=False), said
    after(made, case)


def expected(case: Case, server: CommandServer) -> tuple[str, str]:
    """The standard output and the standard error."""
    out, err = case.out, case.err
    if server.is_node:
        out = out if case.node_out is None else case.node_out
        err = err if case.node_err is None else case.node_err
    return out, err


def after(made: Scene, case: Case) -> None:
    """Look at the server: what the command did, and nothing that goes on without need."""
    if "{works}" not in case.line:
        return
    if case.line.startswith("cancel"):
        assert made.server.run(made.run_id)["status"] == "cancelled"
    else:
        made.server.cancel(made.run_id)


@pytest.mark.parametrize("name", MONITOR)
def test_the_monitor(home: Home, server: CommandServer, name: str) -> None:
    line, sights = MONITOR[name]
    made = scene(home, server, line)
    write(home.folder / "made.ndjson")
    piped = run(home, *made.arguments)
    assert (piped.returncode, piped.stdout, piped.stderr) == (2, "", f"{SCREEN}\n")
    with Terminal([*COMMAND, *made.arguments], env=home.env()) as terminal:
        terminal.wait_for(*sights)
        terminal.send("q")
        assert terminal.wait_exit() == 0
        assert terminal.is_restored


GOES_ON = {
    "watch {works}": "running",
    "events": "step:complete",
    "logs -f {works}": "finished step",
    "runs --watch": "running",
    "wait {works}": "",
    "record {file}": "Ctrl-C stops it.",
}
"""Commands that go on, and what is seen of them by then."""


@pytest.mark.parametrize("line", GOES_ON)
def test_ctrl_c_in_a_terminal(home: Home, server: CommandServer, line: str) -> None:
    works = server.trigger("steps", {"count": 9000, "delayMs": 10})
    made = scene(home, server, line.replace("{works}", works))
    with Terminal([*COMMAND, *made.arguments], env=home.env()) as terminal:
        if GOES_ON[line]:
            terminal.wait_for(GOES_ON[line])
        else:  # it says nothing: what it asks is seen by its connections
            terminal.until(lambda: connected(terminal.process.pid))
        os.killpg(terminal.process.pid, signal.SIGINT)
        assert terminal.wait_exit() == (0 if line.startswith("record") else 130)
        assert terminal.is_restored
        assert "Traceback" not in terminal.text
    server.cancel(works)


def connected(pid: int) -> bool:
    """Whether a process has a socket, as far as the platform tells."""
    files = Path(f"/proc/{pid}/fd")
    if not files.exists():
        pytest.skip("nothing tells here what a process has open")
    with suppress(OSError):  # one was closed meanwhile
        return any(os.readlink(file).startswith("socket:") for file in files.iterdir())
    return False


@pytest.mark.parametrize("name", [entry.name for entry in ENTRIES])
def test_its_help(invoke: Invoke, name: str) -> None:
    answer = invoke(name, "--help")
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert f" {name} [OPTIONS] " in answer.stdout.split("\n")[0] + " "
    wrong = invoke(name, "--no-such-option")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "No such option: --no-such-option" in wrong.stderr
