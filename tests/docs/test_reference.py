"""The pages that are made from declarations say what the declarations say."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, PAGES

ROOT = Path(__file__).parents[2]
BOOK = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *DOCS.glob("*.md")]


@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_stale(name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == PAGES[name](), f"docs/{name}: run `make docs`"


@pytest.mark.parametrize("page", BOOK, ids=lambda path: path.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        if "://" in file:
            continue
        there = page.parent / file if file else page
        assert there.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.+)$", there.read_text("utf-8"), re.MULTILINE)
            assert anchor in {_anchor(head) for head in heads}, target


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_page_is_listed() -> None:
    listed = set(re.findall(r"\]\(([^)#\s]+)\)", (DOCS / "README.md").read_text("utf-8")))
    assert {path.name for path in DOCS.iterdir()} - {"README.md"} <= listed


def test_every_dependency_has_its_reason() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    wanted = {re.match(r"[\w.-]+", line)[0] for line in (*project["dependencies"], *extras)}  # type: ignore[index]
    told = set(re.findall(r"^\| `([\w.-]+)`", (DOCS / "dependencies.md").read_text(), re.MULTILINE))
    assert told == wanted
