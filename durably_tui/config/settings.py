"""Every setting, declared once: what reads, checks, shows and documents them goes by this.

A setting's place in the file is its path: ``theme``, ``alerts.bell``, and ``servers.NAME.url``
for what is said of one server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from .mistakes import meant


class Unfit(ValueError):
    """A value that a setting cannot have; the text says what it can be."""


Read = Callable[[Any], Any]
"""From what TOML, or an environment variable, gives to the value; raises ``Unfit``."""


class Setting(NamedTuple):
    """One setting."""

    name: str
    read: Read
    takes: str
    """What it can be, for documentation."""
    about: str
    """One sentence."""
    default: Any = None
    env: str | None = None
    """The environment variable that wins over the file."""
    secret: bool = False
    """Whether its value may be a credential, and is never shown."""
    by_entry: bool = False
    """Whether it is a table of which each entry is read by itself: one that is mistaken takes no
    other with it."""


def text(value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise Unfit("write a text in quotes")
    return value


def flag(value: Any) -> bool:
    """True or false; in the environment also 1, yes, on and their opposites."""
    if isinstance(value, bool):
        return value
    words = {
        **dict.fromkeys(("1", "true", "yes", "on"), True),
        **dict.fromkeys(("0", "false", "no", "off", ""), False),
    }
    word = value.strip().lower() if isinstance(value, str) else None
    if word not in words:
        raise Unfit("write true or false")
    return words[word]


def strict_flag(value: Any) -> bool:
    """True or false, as TOML writes them: what guards a server is never guessed at."""
    if not isinstance(value, bool):
        raise Unfit("write true or false, without quotes")
    return value


def one_of(*choices: str) -> Read:
    """One of these words."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise Unfit(f"write one of {', '.join(choices)} in quotes")
        if value not in choices:
            raise Unfit(meant(value, choices))
        return value

    return read


def several(*choices: str) -> Read:
    """Some of these words in an order, as a list or with commas between them."""

    def read(value: Any) -> tuple[str, ...]:
        if isinstance(value, str):
            value = [word.strip() for word in value.split(",") if word.strip()]
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise Unfit(f"write a list of some of {', '.join(choices)}")
        for word in value:
            if word not in choices:
                raise Unfit(f"there is no {word!r}: {meant(word, choices)}")
        return tuple(dict.fromkeys(value))

    return read


def command(value: Any) -> tuple[str, ...]:
    """A program and its arguments: a list, or one text that is split as a shell does."""
    if isinstance(value, str):
        import shlex

        try:
            value = shlex.split(value)
        except ValueError:
            raise Unfit("its quotes are not closed: write a list of words instead") from None
    if not isinstance(value, list) or not value or not all(isinstance(w, str) for w in value):
        raise Unfit('write a program and its arguments, such as ["pass", "show", "durably"]')
    return tuple(value)


def texts_by_name(value: Any) -> Mapping[str, str]:
    """A table of texts."""
    if not isinstance(value, dict):
        raise Unfit('write a table of texts, such as { name = "text" }')
    for name, each in value.items():
        if not isinstance(each, str):
            raise Unfit(f"write the text of {name!r} in quotes")
    return dict(value)


def keys_by_command(value: Any) -> Mapping[str, tuple[str, ...]]:
    """A table of commands, each with a key, or a list of them."""
    if not isinstance(value, dict):
        raise Unfit('write a table, such as retry = "r"')
    found = {}
    for name, keys in value.items():
        listed = keys.split(",") if isinstance(keys, str) else keys
        if not isinstance(listed, list) or not all(
            isinstance(k, str) and k.strip() for k in listed
        ):
            raise Unfit(f'write the key of {name!r} as a text, such as "ctrl+r"')
        found[name] = tuple(key.strip() for key in listed)
    return found


def path(value: Any) -> str:
    """The path of a file or folder; ``~`` is the user's home."""
    import os

    return os.path.expanduser(text(value))


def certificate(value: Any) -> tuple[str, ...]:
    """A PEM file, or a list of the certificate and its key."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not 1 <= len(value) <= 2:
        raise Unfit('write a PEM file, or a list of two: ["cert.pem", "key.pem"]')
    return tuple(path(each) for each in value)


def colour(value: Any) -> str:
    """A colour as the terminal's themes write it."""
    if not isinstance(value, str) or not re.fullmatch(
        r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})|[a-z][a-z_]*", value
    ):
        raise Unfit('write a colour, such as "red" or "#d04040"')
    return value


def http_address(value: Any) -> str:
    """An address that begins with a scheme that HTTP goes over."""
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        raise Unfit('write an address, such as "https://jobs.example/api/durably"')
    return value


def proxy_address(value: Any) -> str:
    """The address of an HTTP proxy."""
    if not isinstance(value, str) or not value.startswith(("http://", "https://")):
        raise Unfit('write an address, such as "http://proxy.example:3128"')
    return value


GENERATIONS = ("0.8", "0.15", "python")
DENSITIES = ("comfortable", "compact")
TIME_FORMATS = ("relative", "local", "utc")
COLUMNS = ("status", "job", "progress", "step", "age", "took", "labels", "id", "message")
"""Of the table of runs, in the order in which they stand where nobody chose."""

SETTINGS: Sequence[Setting] = (
    Setting(
        "default",
        text,
        "a server's name or address",
        "The server to use when none is named.",
        env="DURABLY_URL",
    ),
    Setting(
        "read_only",
        flag,
        "true or false",
        "Change nothing, on any server.",
        default=False,
        env="DURABLY_READ_ONLY",
    ),
    Setting("theme", text, "a theme's name", "The colours of the monitor.", env="DURABLY_THEME"),
    Setting(
        "density",
        one_of(*DENSITIES),
        " or ".join(DENSITIES),
        "Whether there is a line with the keys at the bottom: compact leaves it out.",
        default="comfortable",
        env="DURABLY_DENSITY",
    ),
    Setting(
        "time_format",
        one_of(*TIME_FORMATS),
        ", ".join(TIME_FORMATS),
        "How times are written.",
        default="relative",
        env="DURABLY_TIME_FORMAT",
    ),
    Setting(
        "columns",
        several(*COLUMNS),
        "a list of " + ", ".join(COLUMNS),
        "The columns of the table of runs, in this order; if empty, as many as fit.",
        default=(),
        env="DURABLY_COLUMNS",
    ),
    Setting(
        "keys",
        keys_by_command,
        "a table: command = key",
        "Other keys for commands of the monitor.",
        default={},
        by_entry=True,
    ),
    Setting(
        "filters",
        texts_by_name,
        "a table: name = filter",
        "Filters with names.",
        default={},
        by_entry=True,
    ),
)

ALERTS: Sequence[Setting] = (
    Setting(
        "bell",
        flag,
        "true or false",
        "Ring the terminal's bell.",
        default=False,
        env="DURABLY_ALERTS_BELL",
    ),
    Setting(
        "notice",
        flag,
        "true or false",
        "Show a notice on the desktop, by OSC 9 and OSC 777. In tmux it needs `allow-passthrough`.",
        default=False,
        env="DURABLY_ALERTS_NOTICE",
    ),
    Setting(
        "command",
        command,
        "a program and its arguments",
        "Run this; its environment says what happened.",
        default=(),
        env="DURABLY_ALERTS_COMMAND",
    ),
)

SERVER: Sequence[Setting] = (
    Setting("name", text, "a text", "What the server is called here."),
    Setting("url", http_address, "an address", "The base address of the server.", secret=True),
    Setting("token_env", text, "a text", "The environment variable that holds the token."),
    Setting(
        "token_command",
        command,
        "a program and its arguments",
        "What prints the token.",
        default=(),
        secret=True,
    ),
    Setting(
        "headers",
        texts_by_name,
        "a table: name = text",
        "Sent with every request.",
        default={},
        secret=True,
    ),
    Setting(
        "verify",
        strict_flag,
        "true or false",
        "Whether to check the server's certificate.",
        default=True,
    ),
    Setting("ca", path, "a file or folder", "The certificates to trust instead of the usual ones."),
    Setting(
        "client_cert",
        certificate,
        "a PEM file, or two in a list",
        "The certificate, with its key, that the server asks for.",
        default=(),
    ),
    Setting(
        "proxy", proxy_address, "an address", "The proxy that leads to the server.", secret=True
    ),
    Setting(
        "read_only",
        strict_flag,
        "true or false",
        "Change nothing on this server.",
        default=False,
    ),
    Setting(
        "production",
        strict_flag,
        "true or false",
        "Ask for the server's name before anything is deleted, or many runs are changed.",
        default=False,
    ),
    Setting("color", colour, "a colour", "The colour of the server's name on the screen."),
    Setting(
        "generation",
        one_of(*GENERATIONS),
        ", ".join(GENERATIONS),
        "The generation of the server, instead of finding it out.",
    ),
)
