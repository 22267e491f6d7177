"""``architecture.md``: who imports whom, from the code; who may, from the contracts."""

from __future__ import annotations

import ast
import importlib
import tomllib
from collections.abc import Iterator
from pathlib import Path

from .markdown import block, document, first_paragraph, table

ROOT = Path(__file__).parents[2]
PACKAGES = {"durably_tui": ROOT / "durably_tui", "durably_server": ROOT / "server/durably_server"}


def page() -> str:
    """A diagram of the packages, what each is for, and the rules."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    parts = sorted({part for package in PACKAGES for part in _parts(package)})
    return document(
        "Architecture",
        "the imports and the contracts in pyproject.toml",
        "An arrow means: imports. The two packages share no code: the protocol is written twice on "
        "purpose, and tests compare both with the Node server.",
        block(_diagram(), "mermaid"),
        table(
            ("package", "what it is"),
            [(f"`{part}`", first_paragraph(importlib.import_module(part))) for part in parts],
        ),
        "## Rules",
        "Checked by `make check`:",
        "\n".join(f"- {contract['name']}" for contract in contracts),
        "## From a socket to the screen",
        "The client reads a stream as bytes, splits it into events and passes them on together, as "
        "they came; it reconnects for ever. The hooks keep frozen states, change them by pure "
        "reducers, and tell whoever listens. The monitor draws a state at most 20 times a second, "
        "only the lines that changed, and only while the terminal keeps up. A request that changes "
        "something is never repeated by itself.",
        "On the server one thread writes: what waits is stored in one transaction, with a "
        "savepoint for each operation, and answered after the commit. A run is leased to a worker; "
        "when the worker is gone, another resumes the run after its last finished step.",
    )


def _parts(package: str) -> list[str]:
    """The packages below it."""
    return [f"{package}.{path.parent.name}" for path in PACKAGES[package].glob("*/__init__.py")]


def _diagram() -> str:
    lines = ["flowchart TD"]
    for package in PACKAGES:
        lines.append(f"  subgraph {package}")
        lines += [
            f"    {_node(part)}[{part.rpartition('.')[2]}]" for part in sorted(_parts(package))
        ]
        lines.append("  end")
    lines += [f"  {_node(above)} --> {_node(below)}" for above, below in sorted(_edges())]
    return "\n".join(lines)


def _node(part: str) -> str:
    return part.replace(".", "_")


def _edges() -> set[tuple[str, str]]:
    """Which package imports which, type checking aside."""
    known = {part for package in PACKAGES for part in _parts(package)}
    edges = set()
    for package, folder in PACKAGES.items():
        for part in _parts(package):
            for file in (folder / part.rpartition(".")[2]).rglob("*.py"):
                module = ".".join((package, *file.relative_to(folder).with_suffix("").parts))
                for name in _imported(file, module):
                    target = ".".join(name.split(".")[:2])
                    if name.partition(".")[0] == "durably_server" and target not in known:
                        target = "durably_server.engine"
                    if target in known and target != part:
                        edges.add((part, target))
    return edges


def _imported(file: Path, module: str) -> Iterator[str]:
    """The modules that a file imports, by their whole names."""
    waiting: list[ast.AST] = [ast.parse(file.read_text("utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            is_package = file.name == "__init__.py"
            here = module.removesuffix(".__init__").split(".")
            base = here[: len(here) - node.level + is_package] if node.level else []
            name = ".".join((*base, *filter(None, [node.module])))
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)
