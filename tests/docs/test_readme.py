"""Every block of the README is run, as a newcomer would who follows it word by word.

A comment before a block says how: ``run: monitor`` (in a terminal, left by q), ``run: server``
(until it answers), ``run: dry`` (make says what it would do), ``file: NAME`` (it is stored), or
``not run:`` with the reason. Without one, a block is run to its end.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support.command import Home
from support.plain_http import NO_TLS
from support.terminal import Terminal

from durably_tui.config import load
from durably_tui.protocol import ABILITIES
from tests.docs.config import EXAMPLE
from tests.docs.keys import commands_by_place, keys_of
from tests.docs.readme_blocks import Block, blocks

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BLOCKS = blocks(README)
PORT = "8080"
PATIENCE = 30.0
LOOK_AGAIN = 0.05


class Place:
    """A folder with the files of the README, and an environment in which its commands are found."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.folder = folder / "work"
        self.folder.mkdir()
        (self.folder / "customers.csv").write_text("Ada\nGrace\nEdsger\n")
        for block in BLOCKS:
            if block.kind == "file":
                (self.folder / block.rest).write_text(block.text)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/api/durably"

    def env(self) -> dict[str, str]:
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        return self.home.env(PATH=path, PYTHONPATH=str(self.folder), DURABLY_URL=self.url)

    def argv(self, block: Block) -> list[str]:
        text = block.text.replace(PORT, str(self.port))
        if block.language == "python":
            return [sys.executable, "-W", "error::ResourceWarning", "-c", text]
        return ["bash", "-euo", "pipefail", "-c", text]

    def done(self, block: Block, **env: str) -> str:
        """Run it to its end, in content; what it printed."""
        answer = subprocess.run(
            self.argv(block),
            cwd=ROOT if block.rest == "dry" else self.folder,
            env=self.env() | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert "Traceback" not in answer.stderr, answer.stderr
        return answer.stdout

    @contextmanager
    def serving(self, block: Block) -> Iterator[None]:
        """Run it as a server that answers."""
        process = subprocess.Popen(
            self.argv(block),
            cwd=self.folder,
            env=self.env(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while not self._answers():
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < deadline, "it never answered"
                time.sleep(LOOK_AGAIN)
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate(timeout=PATIENCE)

    def run_to_its_end(self, job: str, input: dict[str, str]) -> None:
        """Trigger a run on the server and wait until it has ended."""
        with httpx.Client(base_url=self.url, verify=NO_TLS) as http:
            answer = http.post("/trigger", json={"jobName": job, "input": input})
            run = answer.raise_for_status().json() | {"isTerminal": False}
            deadline = time.monotonic() + PATIENCE
            while not run["isTerminal"]:
                assert time.monotonic() < deadline, run
                time.sleep(LOOK_AGAIN)
                run |= http.get("/run", params={"runId": run["runId"]}).json()

    def _answers(self) -> bool:
        try:
            answer = httpx.get(f"{self.url}/health/live", verify=NO_TLS)
        except httpx.TransportError:
            return False
        return answer.status_code == 200


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def the_server() -> Block:
    return next(b for b in BLOCKS if b.rest == "server" and "durably-tui serve" in b.text)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The README's own server, with a run that has ended and one that has failed."""
    place = Place(tmp_path_factory.mktemp("served"))
    with place.serving(the_server()):
        for name in ("customers.csv", "missing.csv"):
            place.run_to_its_end("import-csv", {"path": name})
        yield place


def of(*kinds: str, language: str = "") -> list[Block]:
    """The blocks that are run in one of these ways."""
    return [
        block
        for block in BLOCKS
        if block.kind == "run" and block.rest in kinds and language in ("", block.language)
    ]


def test_every_block_is_run_or_says_why_not() -> None:
    for block in BLOCKS:
        if block.kind == "run":
            known = {
                "sh": ("", "monitor", "server", "dry"),
                "python": ("",),
                "toml": ("", "config"),
            }
            assert block.rest in known[block.language], block
        else:
            assert len(block.rest) > 3, block
    assert sum(block.kind == "not run" for block in BLOCKS) <= 2
    assert README.read_text("utf-8").count("\n```") == 2 * len(BLOCKS), "none was overlooked"
    assert len(README.read_text("utf-8").splitlines()) <= 350


@pytest.mark.parametrize("block", [*of("", language="sh"), *of("", language="python")], ids=str)
def test_it_runs_to_its_end(block: Block, served: Place) -> None:
    said = served.done(block)
    assert said or "print" not in block.text


def test_the_lines_of_the_run_are_printed(served: Place) -> None:
    (block,) = (block for block in of("", language="python") if "get_logs" in block.text)
    said = served.done(block).splitlines()
    assert said == ["{'count': 3}", *["info stored"] * 3]


def test_make_knows_the_two_commands(tmp_path: Path) -> None:
    (block,) = of("dry")
    said = Place(tmp_path).done(block, MAKEFLAGS="n")
    assert "durably-tui demo" in said
    assert "-m pytest" in said


@pytest.mark.parametrize("block", of("monitor"), ids=str)
def test_the_monitor_opens(block: Block, served: Place) -> None:
    with Terminal(served.argv(block), env=served.env(), cwd=served.folder) as terminal:
        terminal.wait_for("● live", "import-csv")
        terminal.send("q")
        assert terminal.wait_exit() == 0


@pytest.mark.parametrize("block", [b for b in of("server") if b is not the_server()], ids=str)
def test_a_server_answers(block: Block, tmp_path: Path) -> None:
    place = Place(tmp_path)
    with place.serving(block):
        answer = httpx.get(f"{place.url}/runs", verify=NO_TLS)
        wanted = 401 if "DURABLY_TOKEN" in block.text else 200
        assert answer.status_code == wanted, answer.text


@pytest.mark.parametrize(
    "text", [block.text for block in BLOCKS if block.language == "toml"] + [EXAMPLE]
)
def test_a_configuration_has_no_mistakes(text: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    config = load(str(file))
    assert config.problems == ()
    assert config.server("prod").url == "https://jobs.example/api/durably"


def test_the_table_of_compatibility_is_what_the_client_goes_by() -> None:
    rows = re.findall(r"^\| (`.+) \| (.) \| (.) \| (.) \|$", README.read_text("utf-8"), re.M)
    assert len(rows) >= 8
    for words, *marks in rows:
        names = re.findall(r"`([\w-]+)`", words.partition(":")[0])
        assert names, words
        for generation, mark in zip(("0.8", "0.15", "python"), marks, strict=True):
            abilities = ABILITIES[generation]
            for name in names:
                can = abilities.has(name) or getattr(abilities, name, False)
                assert mark == ("✔" if can else "–"), (name, generation)


def test_the_keys_are_keys() -> None:
    table = README.read_text("utf-8").partition("## Keys")[2].partition("## ")[0]
    told = {
        key
        for row in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
        for key in re.findall(r"`([^`]+)`", row)
    }
    assert len(told) > 20
    bound = {key for _, keys in commands_by_place() for command in keys for key in keys_of(command)}
    assert told <= bound
