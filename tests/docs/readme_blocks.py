"""The code blocks of a Markdown page, each with what the comment before it says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"(?:^<!-- (?P<kind>run|file|not run): (?P<rest>[^\n]+) -->\n)?"
    r"^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """One block. ``kind`` is ``run``, ``file`` or ``not run``; ``rest`` is what follows it."""

    language: str
    text: str
    kind: str
    rest: str

    def __str__(self) -> str:
        return self.rest if self.kind == "file" else self.text.splitlines()[0]


def blocks(page: Path) -> list[Block]:
    """All of a page, in their order."""
    return [
        Block(found["language"], found["text"], found["kind"] or "run", found["rest"] or "")
        for found in _BLOCK.finditer(page.read_text("utf-8"))
    ]
