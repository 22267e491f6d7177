"""The commands that set up: ``servers``, ``config``, ``doctor``, ``completion``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command import COMMAND, Home, run
from support.command_server import CommandServer
from support.terminal import Terminal
from typer.testing import Result

Invoke = Callable[..., Result]

CONFIG = """\
default = "dev"
theme = "nord"

[[servers]]
name = "dev"
url = "{url}"

[[servers]]
name = "prod"
url = "https://ada:hunter2@jobs.example/api/durably"
token_command = ["pass", "hunter3"]
headers = {{ x-key = "hunter4" }}
production = true
"""


def test_servers_and_commands_by_their_names(home: Home, shared: CommandServer) -> None:
    home.configure(CONFIG.format(url=shared.url))
    answer = run(home, "servers")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.splitlines()[1].split() == ["*", "dev", shared.url]
    assert "https://jobs.example/api/durably" in answer.stdout
    assert "production" in answer.stdout
    assert "hunter" not in answer.stdout
    for arguments in (["runs", "-n", "1"], ["-s", "dev", "runs"], ["runs", "--server", "dev"]):
        assert run(home, *arguments).returncode == 0, arguments
    unknown = run(home, "runs", "-s", "dve")
    assert unknown.returncode == 2
    assert unknown.stderr.endswith("a configured server: did you mean 'dev'?\n")


def test_config_shows_where_values_come_from_and_no_secret(home: Home) -> None:
    file = home.configure(CONFIG.format(url="http://127.0.0.1:9"))
    answer = run(home, "config", "show", DURABLY_DENSITY="compact")
    assert (answer.returncode, answer.stderr) == (0, "")
    rows = dict(line.split("  # ") for line in answer.stdout.splitlines())
    shown = {setting.strip(): origin for setting, origin in rows.items()}
    assert shown['theme = "nord"'] == f"{file}:2"
    assert shown['density = "compact"'] == "DURABLY_DENSITY"
    assert shown['time_format = "relative"'] == "default"
    assert shown['servers.prod.headers = {"x-key":"***"}'] == f"{file}:12"
    assert "hunter" not in answer.stdout
    told = json.loads(run(home, "config", "show", "--json").stdout)
    assert told["servers.prod.production"] == {"value": True, "from": f"{file}:13"}
    assert run(home, "config", "path").stdout == f"{file}\n"
    other = file.with_name("other.toml")
    other.write_text('theme = "gruvbox"\n')
    first = run(home, "--config", str(other), "config", "show")
    assert first.returncode == 0
    assert 'theme = "gruvbox"' in first.stdout


def test_a_mistake_is_told_and_stops_nothing_else(home: Home, shared: CommandServer) -> None:
    file = home.configure('theem = "nord"\n')
    sentence = f"{file}:1: 'theem' is not a setting: did you mean 'theme'?"
    listed = run(home, "runs", "-n", "1", "-s", shared.url)
    assert (listed.returncode, listed.stderr) == (0, f"Warning: {sentence}\n")
    shown = run(home, "config", "show")
    assert (shown.returncode, shown.stderr) == (2, f"Error: {sentence}\n")


def test_config_is_edited_in_the_users_editor(home: Home, tmp_path: Path) -> None:
    editor = tmp_path / "editor.py"
    editor.write_text("import sys\nopen(sys.argv[1], 'a').write('\\ndensity = \"tight\"\\n')\n")
    changed = run(home, "config", "edit", VISUAL=f"{sys.executable} {editor}")
    assert changed.returncode == 2
    assert "'density' cannot be 'tight': there are comfortable, compact." in changed.stderr
    file = home.folder / "config" / "durably-tui" / "config.toml"
    assert "# [[servers]]" in file.read_text(), "it begins with what could be said"
    assert file.stat().st_mode & 0o777 == 0o600
    file.unlink()
    unchanged = run(home, "config", "edit", EDITOR="true", VISUAL="")
    assert (unchanged.returncode, file.exists()) == (0, False)
    missing = run(home, "config", "edit", VISUAL="no-such-editor")
    assert missing.returncode == 2
    assert "set EDITOR" in missing.stderr


def test_the_template_says_nothing_wrong(home: Home) -> None:
    from durably_tui.cli.commands.config import TEMPLATE
    from durably_tui.config import load

    lines = [line.removeprefix("# ") for line in TEMPLATE.splitlines()[2:]]
    config = load(home.configure("\n".join(lines)), {})
    assert config.problems == ()
    assert [server.name for server in config.servers] == ["local", "prod"]


def test_the_doctor_of_a_server_that_is_well(home: Home, shared: CommandServer) -> None:
    answer = run(home, "doctor", "--json", "-s", shared.url)
    assert (answer.returncode, answer.stderr) == (0, "")
    found = {finding["name"]: finding for finding in json.loads(answer.stdout)}
    assert list(found) == [
        *("versions", "configuration", "server", "name", "address", "base path"),
        *("credentials", "answer", "clock", "generation", "stream", "terminal"),
    ]
    assert {name: f["state"] for name, f in found.items() if f["state"] != "ok"} == {
        "terminal": "skip"
    }
    assert found["generation"]["text"].startswith("python: retry, retrigger, labels")


def test_the_doctor_finds_the_base_path(invoke: Invoke, shared: CommandServer) -> None:
    answer = invoke("doctor", "-s", shared.url.replace("/api/durably", "/elsewhere"))
    assert answer.exit_code == 3
    assert "fail  base path" in answer.stdout
    assert f"A Durably server answers at {shared.url}: use that address." in answer.stdout


@pytest.mark.parametrize(
    ("server", "line", "hint"),
    [
        ("http://no-such-host.invalid", "fail  name ", "Correct the name, or check DNS and VPN."),
        ("nonsense", "fail  server ", "'nonsense' is not an http:// or https:// address"),
    ],
)
def test_the_doctor_has_a_hint(invoke: Invoke, server: str, line: str, hint: str) -> None:
    answer = invoke("doctor", "-s", server)
    assert answer.exit_code in (2, 3)
    assert line in answer.stdout
    assert hint in answer.stdout


def test_the_doctor_meets_no_tls(invoke: Invoke, shared: CommandServer) -> None:
    answer = invoke("doctor", "-s", shared.url.replace("http:", "https:"))
    assert answer.exit_code == 3
    assert "fail  TLS" in answer.stdout
    assert "Try the address with http://." in answer.stdout


def test_the_doctor_looks_at_the_terminal(home: Home) -> None:
    command = [*COMMAND, "doctor", "-s", "http://127.0.0.1:9"]
    with Terminal(command, env=home.env(TMUX="/tmp/tmux"), columns=100) as terminal:
        assert terminal.wait_exit() == 3
        assert "terminal       tmux, TERM=xterm-256color" in terminal.text
        assert "size           100 x 40" in terminal.text
        assert "colours        16 million" in terminal.text
        assert "set -g set-clipboard on" in terminal.text


@pytest.mark.parametrize(
    ("locale", "answer"), [("C", "no, because the locale is C"), ("C.UTF-8", "yes")]
)
def test_the_doctor_tells_how_the_monitor_draws(home: Home, locale: str, answer: str) -> None:
    command = ["env", f"LC_ALL={locale}", *COMMAND, "doctor", "-s", "http://127.0.0.1:9"]
    with Terminal(command, env=home.env(), columns=100) as terminal:
        assert terminal.wait_exit() == 3
        assert f"UTF-8          {answer}" in terminal.text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_a_script_for_each_shell(invoke: Invoke, shell: str) -> None:
    answer = invoke("completion", shell)
    assert answer.exit_code == 0
    assert "_DURABLY_TUI_COMPLETE" in answer.stdout


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("retr", {"retry", "retrigger"}),
        ("d", {"demo", "delete", "doctor", "dev"}),
        ("runs --st", {"--status"}),
        ("runs -s ", {"dev"}),
        ("config ", {"path", "show", "edit"}),
    ],
)
def test_a_shell_completes(home: Home, typed: str, words: set[str]) -> None:
    home.configure('[[servers]]\nname = "dev"\nurl = "http://127.0.0.1:9"\n')
    line = f"durably-tui {typed}"
    answer = subprocess.run(
        COMMAND,
        env=home.env(
            _DURABLY_TUI_COMPLETE="complete_bash",
            COMP_WORDS=line,
            COMP_CWORD=str(len(line.split(" ")) - 1),
        ),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert set(answer.stdout.split()) == words


def test_a_token_command_is_asked_and_what_it_prints_is_not_shown(
    home: Home, shared: CommandServer
) -> None:
    home.configure(
        f'[[servers]]\nname = "dev"\nurl = "{shared.url}"\n'
        f"token_command = ['{sys.executable}', '-c', 'print(\"hunter2\")']\n"
    )
    answer = run(home, "runs", "-n", "1", "-s", "dev")
    assert (answer.returncode, answer.stderr) == (0, "")
    home.configure(f'[[servers]]\nname = "dev"\nurl = "{shared.url}"\ntoken_env = "NOT_SET"\n')
    assert os.environ.get("NOT_SET") is None
    answer = run(home, "runs", "-s", "dev")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "takes its token from NOT_SET, which is not set" in answer.stderr
