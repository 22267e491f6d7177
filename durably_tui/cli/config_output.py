"""The configuration in force, as text and as JSON; no secret is in either."""

from __future__ import annotations

from typing import Any

from durably_tui.config import Config
from durably_tui.config.model import plain
from durably_tui.config.settings import ALERTS, SERVER, SETTINGS, Setting

from .said import json_line, json_text, out

_HIDDEN = "***"


def print_config(config: Config, *, as_json: bool) -> None:
    """Print each setting with where it comes from."""
    rows = settings_of(config)
    if as_json:
        out(json_text({path: {"value": v, "from": origin} for path, v, origin in rows}))
        return
    lines = [(f"{path} = {json_line(value)}", origin) for path, value, origin in rows]
    width = min(60, max(len(line) for line, _ in lines))
    for line, origin in lines:
        out(f"{line:<{width}}  # {origin}")


def settings_of(config: Config) -> list[tuple[str, Any, str]]:
    """Path, value and origin of every setting; of a server only what was said of it."""
    rows = [_row(config, setting.name, setting, config) for setting in SETTINGS]
    rows += [_row(config, f"alerts.{setting.name}", setting, config.alerts) for setting in ALERTS]
    for server in config.servers:
        for setting in SERVER:
            path = f"servers.{server.name}.{setting.name}"
            if setting.name != "name" and path in config.origins:
                rows.append(_row(config, path, setting, server))
    return rows


def _row(config: Config, path: str, setting: Setting, source: Any) -> tuple[str, Any, str]:
    value = plain(getattr(source, setting.name))
    if setting.name == "url":
        value = source.shown
    elif setting.name == "default" and value is not None:
        from durably_tui.config import shown

        value = shown(value)
    elif setting.secret and value:
        value = dict.fromkeys(value, _HIDDEN) if isinstance(value, dict) else _HIDDEN
    return path, value, str(config.origin(path))
