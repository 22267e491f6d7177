"""``python.md``: the public names, each with its signature and the first lines of its docstring."""

from __future__ import annotations

import importlib
import inspect
import re
from types import ModuleType

from .markdown import block, code, document, first_paragraph, prose, table

MODULES = {
    "durably_tui": "The way in: hooks by an address.",
    "durably_tui.client": "Every endpoint and stream of a server.",
    "durably_tui.state": "The hooks, with no terminal and no HTTP.",
    "durably_tui.protocol": "The words that all of them use: runs, steps, events, errors.",
    "durably_server": "Write jobs, execute them, serve them.",
}
_HEADING = 4
_WIDEST = 96
"""A signature with more characters has a line for each parameter."""


def page() -> str:
    """Every module that is for use, name by name."""
    parts = [
        "Both packages are typed (`py.typed`). Names that are not on this page are "
        "internal, and may change without notice.",
        table(
            ("module", ""),
            [(f"[`{n}`](#{n.replace('.', '')})", about) for n, about in MODULES.items()],
        ),
    ]
    for name in MODULES:
        module = importlib.import_module(name)
        parts += [f"## {name}", prose((inspect.getdoc(module) or "").partition("\n\n")[0])]
        parts += _module(module)
    return document("Python API", "the docstrings", *parts)


def _module(module: ModuleType) -> list[str]:
    """Classes that do something have a section each; plain data and errors share a table."""
    parts: list[str] = []
    small: list[tuple[str, str]] = []
    for name in sorted(module.__all__, key=str.lower):
        thing = getattr(module, name)
        if inspect.isclass(thing) and (methods := _methods(thing)):
            parts += [f"### {name}", first_paragraph(thing), table(("", ""), methods)]
        elif inspect.isroutine(thing):
            parts += [f"### {name}", block(f"{name}{_signature(thing)}", "text")]
            parts.append(first_paragraph(thing))
        else:
            own = inspect.isclass(thing) and thing.__doc__ and not _is_made(thing.__doc__, name)
            small.append((code(name), first_paragraph(thing) if own else ""))
    return [*parts, *([table(("name", ""), small)] if small else [])]


def _is_made(doc: str, name: str) -> bool:
    """Whether a dataclass wrote its own docstring."""
    return doc.startswith(f"{name}(")


def _methods(cls: type) -> list[tuple[str, str]]:
    """Public methods with parameters, and properties of classes that have such methods."""
    if issubclass(cls, BaseException):
        return []
    properties, calls = [], []
    for name in sorted(dir(cls)):
        thing = inspect.getattr_static(cls, name)
        if name.startswith("_"):
            continue
        if isinstance(thing, property):
            properties.append((code(name), first_paragraph(thing)))
            continue
        call = getattr(cls, name)
        if inspect.isroutine(call) and _is_ours(call):
            calls.append((code(f"{name}{_parameters(call)}"), first_paragraph(call)))
    return [*calls, *properties] if calls else []


def _is_ours(thing: object) -> bool:
    """Whether it was written here, and is not of a base class from elsewhere."""
    return str(getattr(thing, "__module__", "")).startswith("durably_")


def _parameters(thing: object) -> str:
    """Names only, in brackets; ``…`` for what has a default."""
    shown = []
    for each in inspect.signature(thing).parameters.values():  # type: ignore[arg-type]
        if each.name in ("self", "cls"):
            continue
        star = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
        if each.kind is each.KEYWORD_ONLY and "*" not in "".join(shown):
            shown.append("*")
        optional = each.default is not each.empty
        shown.append(f"{star}{each.name}{'=…' if optional else ''}")
    return f"({', '.join(shown)})"


def _signature(thing: object) -> str:
    """With types and defaults, on one line where it fits."""
    given = inspect.signature(thing)  # type: ignore[arg-type]
    signature = given.replace(
        parameters=[
            p.replace(annotation=_written(p.annotation)) for p in given.parameters.values()
        ],
        return_annotation=_written(given.return_annotation),
    )
    text = re.sub(r"\b(?:[a-z_0-9]+\.)+(?=[A-Z])", "", str(signature))
    assert " at 0x" not in text, "the page must be the same in every process"
    if len(text) <= _WIDEST:
        return text
    inner, _, answer = text.rpartition(")")
    return "(\n" + "".join(f"    {each},\n" for each in _split(inner[1:])) + ")" + answer


class _AsWritten(str):
    """An annotation that was not evaluated; without quotes around it."""

    def __repr__(self) -> str:
        return str(self)


def _written(annotation: object) -> object:
    return _AsWritten(annotation) if isinstance(annotation, str) else annotation


def _split(text: str) -> list[str]:
    """At the commas that are in no brackets."""
    found, depth = [""], 0
    for char in text:
        depth += (char in "[({") - (char in "])}")
        if char == "," and depth == 0:
            found.append("")
        else:
            found[-1] += char
    return [each.strip() for each in found]
