"""The harness of the suites of proof: what fails is seen to fail."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.proof import page
from tests.proof.report import Check, Row, Skipped, Trial, main


def good(trial: Trial) -> str:
    return f"{trial.pick(8, 2)} runs"


async def slow(trial: Trial) -> str:
    await asyncio.sleep(60)
    return ""


def stuck(trial: Trial) -> str:
    try:
        time.sleep(60)
    except Exception:
        return "it was swallowed"
    return ""


def lost(trial: Trial) -> str:
    trial.expect(False, "a run was lost", ["triggered a", "killed"])
    return "1 of 2"


def wrong(trial: Trial) -> str:
    raise ValueError("a | b\nand more")


def missing(trial: Trial) -> str:
    raise Skipped("Node.js is missing")


def cells(trial: Trial) -> list[Row]:
    return [Row("one", "pass", "1"), Row("two", "FAIL", "2")]


def ran(monkeypatch: pytest.MonkeyPatch, *arguments: str, check: Check) -> object:
    monkeypatch.setattr("sys.argv", ["proof", *arguments])
    with pytest.raises(SystemExit) as left:
        main("tried", "Tried", [Check("good", good), check])
    return left.value.code


@pytest.mark.parametrize(
    ("check", "code", "said"),
    [
        (Check("again", good), 0, "2 pass"),
        (Check("slow", slow, 0.01), 1, "not over after 0 s"),
        (Check("stuck", stuck, 0.01), 1, "not over after 0 s"),
        (Check("lost", lost), 1, "a run was lost\n      triggered a\n      killed"),
        (Check("wrong", wrong), 1, "ValueError: a | b"),
        (Check("missing", missing), 0, "NOT CHECKED HERE: Node.js is missing"),
        (Check("cells", cells), 1, "two"),
    ],
    ids=lambda value: value.name if isinstance(value, Check) else "",
)
def test_a_suite_says_what_it_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    check: Check, code: int, said: str,
) -> None:  # fmt: skip
    assert ran(monkeypatch, "--short", "--seed", "7", check=check) == code
    assert said in capsys.readouterr().out


def test_a_check_alone_has_the_dice_of_the_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    check = Check("dice", lambda trial: f"threw {trial.dice.random()}")
    ran(monkeypatch, "--seed", "7", check=check)
    whole = capsys.readouterr().out.partition("threw")[2]
    ran(monkeypatch, "dice", "--seed", "7", check=check)
    alone = capsys.readouterr().out.partition("threw")[2]
    assert whole.split()[0] == alone.split()[0]


def test_a_table_is_kept_in_its_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(page, "PAGE", tmp_path / "proof.md")
    page.PAGE.write_text("# Proof\n")
    page.write("other", "Other", "make other", 1, [("a", "pass", "", "")], 1)
    assert ran(monkeypatch, "--write", check=Check("wrong", wrong)) == 1
    page.write("last", "Last", "make last", 1, [("z", "pass", "", "")], 1)
    ran(monkeypatch, "--write", check=Check("lost", lost))
    text = page.PAGE.read_text()
    assert text.index("## Other") < text.index("## Tried") < text.index("## Last")
    assert "| lost | FAIL | a run was lost; 1 of 2 |" in text
    assert "wrong" not in text
