"""``durably-tui.1``, the manual page, from the command line's declarations."""

from __future__ import annotations

from durably_tui.cli.codes import MEANING

from .described import Described, commands, group_help


def page() -> str:
    """The page in the macros of man."""
    lines = [
        '.\\" Made by `make docs` from durably_tui/cli; a change belongs there.',
        ".TH DURABLY-TUI 1",
        ".SH NAME",
        "durably-tui \\- a terminal monitor for durable jobs",
        ".SH SYNOPSIS",
        "\\fBdurably-tui\\fR [\\fISERVER\\fR]",
        ".br",
        "\\fBdurably-tui\\fR \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]",
        ".SH DESCRIPTION",
        _text(group_help()),
    ]
    panel = ""
    for command in commands():
        if command.panel != panel:
            panel = command.panel
            lines.append(f'.SH "{panel.upper()}"')
        lines += _command(command)
    lines.append(".SH EXIT STATUS")
    for code, meaning in MEANING.items():
        lines += [".TP", f"\\fB{int(code)}\\fR", _text(meaning)]
    lines += [
        ".SH FILES",
        "\\fBdurably\\-tui config path\\fR prints where the configuration is.",
        ".SH ENVIRONMENT",
    ]
    for name, about in (
        ("DURABLY_URL", "the server that is used where none is named"),
        ("DURABLY_TOKEN", "its token"),
        ("DURABLY_CONFIG", "the configuration to use"),
        ("DURABLY_LOG", "where the log file is written"),
    ):
        lines += [".TP", f"\\fB{name}\\fR", _text(about)]
    return "\n".join(lines) + "\n"


def _command(command: Described) -> list[str]:
    lines = [f'.SS "{_text(command.usage)}"', _text(command.help)]
    for written, about in (*command.arguments, *command.options):
        lines += [".TP", f"\\fB{_text(written)}\\fR", _text(about)]
    if command.examples:
        lines += [".PP", "Examples:", ".PP", ".nf", *map(_text, command.examples), ".fi"]
    return lines


def _text(text: str) -> str:
    """A line that means nothing to man."""
    text = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f"\\&{text}" if text.startswith((".", "'")) else text
