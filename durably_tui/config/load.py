"""One configuration out of options, environment, file and defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from .file import Document, read, usual_path
from .mistakes import Problem, meant, nearest
from .model import Alerts, Config, Origin, Server
from .settings import ALERTS, SERVER, SETTINGS, Setting, Unfit

_TABLES = ("servers", "alerts")
_HARMLESS = frozenset({None, "color"})
"""What a server can do without. Anything else that is mistaken could be what protects it, so the
server is not used before it is corrected."""


def load(
    path: str | os.PathLike[str] | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Config:
    """Read the configuration. Never raises: what is wrong is in ``problems``.

    Args:
        path: the file; None is the one at the usual place, which need not be there.
        environ: the environment; None is that of the process.
        flags: values of options by the path of their setting, such as ``{"theme": "nord"}``;
            None among them says that the option was not given.
    """
    environ = os.environ if environ is None else environ
    document = read(os.path.expanduser(usual_path(environ) if path is None else os.fspath(path)))
    return _Loading(document, environ, flags or {}).config(is_chosen=path is not None)


class _Loading:
    def __init__(
        self, document: Document, environ: Mapping[str, str], flags: Mapping[str, Any]
    ) -> None:
        self.document = document
        self.environ = environ
        self.flags = flags
        self.problems: list[Problem] = []
        self.origins: dict[str, Origin] = {}
        self.unusable: dict[str, str] = {}

    def config(self, *, is_chosen: bool) -> Config:
        document = self.document
        if is_chosen and not document.exists:
            sentence = "there is no such file: correct the path, or leave it out."
            document.broken = Problem(document.path, None, sentence)
        if document.broken is not None:
            self.problems.append(document.broken)
        self._unknown(document.values, [s.name for s in SETTINGS] + list(_TABLES))
        values = {setting.name: self._value(setting, ()) for setting in SETTINGS}
        alerts = {setting.name: self._value(setting, ("alerts",)) for setting in ALERTS}
        table = self._table("alerts")
        self._unknown(table, [setting.name for setting in ALERTS], "alerts")
        servers = self._servers()
        return Config(
            **values,
            servers=servers,
            alerts=Alerts(**alerts),
            file=document.path if document.exists else None,
            problems=tuple(self.problems),
            origins=self.origins,
            unusable=self.unusable,
            broken="" if document.broken is None else str(document.broken),
        )

    # -- settings --------------------------------------------------------------------------

    def _value(self, setting: Setting, within: tuple[str, ...]) -> Any:
        """From the first source that has a value that fits."""
        path = ".".join((*within, setting.name))
        given = self.flags.get(path)
        if given is not None:
            found = self._read(setting, given, Problem(_option(setting), None, ""))
            if found is not None:
                self.origins[path] = Origin("flag", _option(setting))
                return found
        if setting.env is not None and self.environ.get(setting.env):
            found = self._read(setting, self.environ[setting.env], Problem(setting.env, None, ""))
            if found is not None:
                self.origins[path] = Origin("environment", setting.env)
                return found
        table = self.document.values if not within else self._table(*within)
        if setting.name in table:
            line = self.document.line(*within, setting.name)
            found = self._from_file(setting, table[setting.name], within)
            if found is not None:
                self.origins[path] = Origin("file", self.document.path, line)
                if isinstance(found, Mapping):
                    for each in found:
                        line = self.document.line(*within, setting.name, each)
                        self.origins[f"{path}.{each}"] = Origin("file", self.document.path, line)
                return found
        return setting.default

    def _from_file(self, setting: Setting, raw: Any, within: tuple[str, ...]) -> Any:
        """The value, or None where nothing of it fits, which is told."""
        path = (*within, setting.name)
        if not (setting.by_entry and isinstance(raw, dict)):
            return self._read(setting, raw, self.document.problem("", *path))
        found: dict[str, Any] = {}
        for name, each in raw.items():
            at = self.document.problem("", *path, name)
            found |= self._read(setting, {name: each}, at, of=name) or {}
        return found or None

    def _read(self, setting: Setting, raw: Any, at: Problem, *, of: str = "") -> Any:
        """The value, or None where it does not fit, which is told; ``of``: of this entry."""
        try:
            return setting.read(raw)
        except Unfit as unfit:
            shown = f" {raw!r}" if isinstance(raw, str) and not setting.secret else ""
            named = f"{setting.name}.{of}" if of else setting.name
            sentence = f"{named!r} cannot be{shown or ' that'}: {_sentence(unfit)}"
            self.problems.append(Problem(at.where, at.line, sentence))
            return None

    def _table(self, name: str) -> Mapping[str, Any]:
        found = self.document.values.get(name, {})
        if isinstance(found, dict):
            return found
        sentence = f"{name!r} has to be a table: write [{name}] on a line of its own."
        problem = self.document.problem(sentence, name)
        if problem not in self.problems:
            self.problems.append(problem)
        return {}

    def _unknown(
        self, table: Mapping[str, Any], valid: Sequence[str], *within: str | int, of: str = ""
    ) -> None:
        for name in table:
            if name not in valid:
                what = f"{name!r} is not a setting{of}: {meant(name, valid)}"
                self.problems.append(self.document.problem(what, *within, name))

    # -- servers ---------------------------------------------------------------------------

    def _servers(self) -> tuple[Server, ...]:
        entries = self.document.values.get("servers", [])
        if isinstance(entries, dict):  # [servers.NAME], as good as [[servers]] with a name
            named = [(("servers", name), {"name": name, **_dict(e)}) for name, e in entries.items()]
            pairs: list[tuple[tuple[str | int, ...], Any]] = list(named)
        elif isinstance(entries, list):
            pairs = [(("servers", n), entry) for n, entry in enumerate(entries)]
        else:
            pairs = []
        if (pairs and not all(isinstance(entry, dict) for _, entry in pairs)) or (
            not pairs and entries not in ([], {})
        ):
            sentence = "each server has to be a table: begin it with [[servers]]."
            self.problems.append(self.document.problem(sentence, "servers"))
            return ()
        found: dict[str, Server] = {}
        for at, entry in pairs:
            server = self._server(at, entry)
            if server is None:
                continue
            if server.name in found:
                self._twice(at, server.name)
                continue
            found[server.name] = server
        return tuple(s for s in found.values() if s.name not in self.unusable)

    def _server(self, at: tuple[str | int, ...], entry: Mapping[str, Any]) -> Server | None:
        before = len(self.problems)
        valid = [setting.name for setting in SERVER]
        self._unknown(entry, valid, *at, of=" of a server")
        stops = any(nearest(n, valid) not in _HARMLESS for n in entry if n not in valid)
        values: dict[str, Any] = {}
        origins: dict[str, Origin] = {}
        unfit = []
        for setting in SERVER:
            values[setting.name] = setting.default
            if setting.name not in entry:
                continue
            line = self.document.line(*at, setting.name)
            found = self._read(setting, entry[setting.name], Problem(self.document.path, line, ""))
            if found is None:
                unfit.append(setting.name)
            else:
                values[setting.name] = found
                origins[setting.name] = Origin("file", self.document.path, line)
        name = values["name"]
        for needed in ("name", "url"):
            if values[needed] is None and needed not in unfit:
                of = f" of the server {name!r}" if name else ""
                sentence = f'the {needed}{of} is missing: add {needed} = "…".'
                self.problems.append(self.document.problem(sentence, *at))
                unfit.append(needed)
        if name is None:
            return None
        if stops or set(unfit) - _HARMLESS:
            first = self.problems[before]
            self.unusable[name] = f"the server {name!r} cannot be used: {first}"
        for each, origin in origins.items():
            self.origins.setdefault(f"servers.{name}.{each}", origin)
        return Server(**{**values, "url": values["url"] or ""})

    def _twice(self, at: tuple[str | int, ...], name: str) -> None:
        sentence = f"there are two servers called {name!r}: give one of them another name."
        problem = self.document.problem(sentence, *at, "name")
        self.problems.append(problem)
        self.unusable[name] = str(problem)


def _option(setting: Setting) -> str:
    return "--server" if setting.name == "default" else f"--{setting.name.replace('_', '-')}"


def _sentence(unfit: Unfit) -> str:
    text = str(unfit)
    return text if text.endswith(("?", ".")) else f"{text}."


def _dict(entry: Any) -> Mapping[str, Any]:
    return entry if isinstance(entry, dict) else {}
