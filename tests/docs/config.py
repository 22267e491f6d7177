"""``configuration.md``, from the settings."""

from __future__ import annotations

import json
from collections.abc import Sequence

from durably_tui.config import credentials
from durably_tui.config.model import plain
from durably_tui.config.settings import ALERTS, SERVER, SETTINGS, Setting
from durably_tui.tui.alerts import TOLD

from .markdown import block, code, document, table

EXAMPLE = """\
default = "prod"
theme = "nord"

[servers.prod]
url = "https://jobs.example/api/durably"
token_env = "PROD_DURABLY_TOKEN"
production = true
color = "red"

[servers.local]
url = "http://127.0.0.1:8080/api/durably"

[filters]
night = "status:failed age:<12h"

[keys]
retry = "ctrl+e"

[alerts]
bell = true"""

_OTHERS = (
    (
        credentials.TOKEN,
        "The token of the server that was chosen. Never sent to any other server.",
    ),
    ("DURABLY_CONFIG", "The file to read instead of the platform's place."),
    ("DURABLY_LOG", "Where the log file is written."),
    ("NO_COLOR", "Print no colours."),
)


def page() -> str:
    """Every setting, with what it takes, what it is without one, and its variable."""
    variables = [(s.env, f"Wins over `{s.name}`. {s.about}") for s in SETTINGS if s.env]
    variables += [(s.env, f"Wins over `alerts.{s.name}`. {s.about}") for s in ALERTS if s.env]
    return document(
        "Configuration",
        "durably_tui/config/settings.py",
        "One TOML file, at the platform's place for it: `durably-tui config path` says where, "
        "`config edit` opens it, `config show` prints every setting and where its value comes "
        "from. `--config FILE` takes another one. An option wins over an environment variable, "
        "that over the file, and that over the default. A mistake is reported with its line, and "
        "stops only what needs it.",
        block(EXAMPLE, "toml"),
        "## Settings",
        _settings(SETTINGS),
        "## `[alerts]`",
        "What is done when the monitor sees a run fail, and when a marked run ends, however it "
        "ends. What comes within a second is told of once. All of it is off by default.",
        _settings(ALERTS),
        "The command finds in its environment, about the first of these runs:",
        table(("variable", "what it is"), [(code(name), about) for name, about in TOLD.items()]),
        "## `[servers.NAME]`",
        _settings(SERVER),
        "## Tokens",
        "No token has to be in the file or on a command line. It is taken from the first of: "
        "the variable that `token_env` names; what `token_command` prints; `DURABLY_TOKEN`; the "
        "keyring, where the package `keyring` is installed, under the service "
        f"`{credentials.KEYRING_SERVICE}` and the server's name.",
        "## Environment variables",
        table(
            ("variable", "what it does"),
            [(code(name or ""), about) for name, about in (*variables, *_OTHERS)],
        ),
    )


def _settings(settings: Sequence[Setting]) -> str:
    return table(
        ("setting", "takes", "default", "what it does"),
        [(code(s.name), s.takes, _default(s), s.about) for s in settings],
    )


def _default(setting: Setting) -> str:
    value = plain(setting.default)
    return "" if value in (None, [], {}) else code(json.dumps(value))
