"""What a user gets who has no checkout: built, installed into an empty environment, and used."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from support.command import Home
from support.terminal import Terminal

ROOT = Path(__file__).parents[2]
INSTALL_SECONDS = 100
MAN_PAGE = "share/man/man1/durably-tui.1"


def run(*argv: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a program to its end; its output. It must be content."""
    answer = ran(*argv, cwd=cwd, env=env)
    assert answer.returncode == 0, f"{argv}\n{answer.stdout}{answer.stderr}"
    return answer.stdout


def ran(
    *argv: str, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS
    )


def build(target: str, source: Path, folder: Path) -> Path:
    """Build an sdist or a wheel of what is in ``source``."""
    folder.mkdir()
    run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder), cwd=source)
    (made,) = folder.iterdir()
    return made


@pytest.fixture
def sdist(tmp_path: Path) -> Path:
    return build("sdist", ROOT, tmp_path / "sdist")


@pytest.fixture
def wheel(sdist: Path, tmp_path: Path) -> Path:
    """Built of the sdist, as by somebody who has nothing else."""
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    return build("wheel", source, tmp_path / "wheel")


def test_the_archives_hold_what_they_should_and_nothing_else(sdist: Path, wheel: Path) -> None:
    with tarfile.open(sdist) as archive:
        source = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "LICENSE", "Makefile", "constraints.txt", "docs/durably-tui.1"} <= source
    assert "tests/package/test_wheel.py" in source
    assert not [name for name in source if "node_modules" in name or name.endswith(".pyc")]

    with zipfile.ZipFile(wheel) as archive:
        installed = set(archive.namelist())
    for package, folder in (("durably_tui", ROOT), ("durably_server", ROOT / "server")):
        shipped = (
            path.relative_to(folder).as_posix()
            for path in (folder / package).rglob("*")
            if path.suffix in {".py", ".tcss", ".typed"}
        )
        assert set(shipped) <= installed
        assert f"{package}/py.typed" in installed
    assert [name for name in installed if name.endswith(".tcss")]
    assert [name for name in installed if name.endswith(MAN_PAGE)]
    assert {name.partition("/")[0].partition("-")[0] for name in installed} == {
        "durably_tui",
        "durably_server",
    }, "no tests, no docs"


def test_it_works_from_an_empty_environment(wheel: Path, home: Home) -> None:
    environment = home.folder / "environment"
    venv.create(environment)
    python = str(environment / "bin" / "python")
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    answer = ran(*pip, "install", "--quiet", "-c", str(ROOT / "constraints.txt"), str(wheel))
    if answer.returncode != 0:
        if ran(*pip, "index", "versions", "pip").returncode != 0:
            pytest.skip("NO PACKAGE INDEX ANSWERS: the wheel was not installed anywhere")
        pytest.fail(answer.stdout + answer.stderr)
    run(*pip, "check")

    empty = home.folder / "empty"
    empty.mkdir()
    env = home.env()
    del env["PYTHONPATH"]
    command = str(environment / "bin" / "durably-tui")
    assert run(command, "--version", cwd=empty, env=env).startswith("durably-tui ")
    assert "Usage: durably-tui" in run(command, "--help", cwd=empty, env=env)
    where = run(
        *(python, "-c", "import durably_tui, durably_server as s; print(s.__file__)"),
        cwd=empty,
        env=env,
    )
    assert str(environment) in where, "the installed one, not the checkout"
    assert (environment / MAN_PAGE).is_file()
    assert "durably-tui" in run(command, "completion", "bash", cwd=empty, env=env)

    with Terminal([command, "demo"], env=env, cwd=empty) as terminal:
        terminal.wait_for("● live", "● running", patience=40)
        terminal.send("q")
        assert terminal.wait_exit() == 0
        assert terminal.is_restored
    assert os.listdir(empty) == []
    assert home.left_behind() == []
