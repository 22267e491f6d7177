"""Writing a setting back into the user's file, whose comments and order stay as they are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .file import read, usual_path
from .mistakes import ConfigError
from .model import plain
from .settings import ALERTS, SETTINGS, Setting, Unfit

_BY_PATH: dict[tuple[str, ...], Setting] = {
    **{(setting.name,): setting for setting in SETTINGS},
    **{("alerts", setting.name): setting for setting in ALERTS},
}


def keep(
    path: str,
    value: Any,
    *,
    file: str | os.PathLike[str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> None:
    """Write one setting, such as ``keep("theme", "nord")``; makes the file where there is none.

    Args:
        path: of the setting, such as ``theme`` or ``alerts.bell``.
        value: what the setting takes.
        file: None is the one at the usual place.
        environ: where ``DURABLY_CONFIG`` is looked for; None is that of the process.

    Raises:
        ConfigError: the value does not fit, or the file cannot be written, or cannot be read as
            it is; then it stays as it is.
    """
    parts = tuple(path.split("."))
    setting = _BY_PATH.get(parts)
    if setting is None:
        raise ConfigError(f"{path!r} is not a setting that can be saved.")
    try:
        fit = plain(setting.read(plain(value)))
    except Unfit as unfit:
        raise ConfigError(f"{path!r} cannot be {value!r}: {unfit}.") from None
    _put(parts, fit, _chosen(file, environ))


def save_filter(
    name: str,
    text: str,
    *,
    file: str | os.PathLike[str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> None:
    """Keep a filter under a name; one that had the name is replaced.

    Raises:
        ConfigError: the name is empty, or the file cannot be written, or cannot be read as it is.
    """
    if not name.strip():
        raise ConfigError("a filter needs a name to be saved under.")
    _put(("filters", name.strip()), text, _chosen(file, environ))


def _chosen(file: str | os.PathLike[str] | None, environ: Mapping[str, str] | None) -> str:
    environ = os.environ if environ is None else environ
    return os.path.expanduser(usual_path(environ) if file is None else os.fspath(file))


def _put(path: tuple[str, ...], value: Any, file: str) -> None:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    before = read(file)
    if before.broken is not None:
        raise ConfigError(f"nothing was written: {before.broken}")
    try:
        document = tomlkit.parse(before.text)
        table: Any = document
        for part in path[:-1]:
            if part not in table:
                table[part] = tomlkit.table()
            table = table[part]
        table[path[-1]] = value
        text = tomlkit.dumps(document)
    except (TOMLKitError, TypeError, ValueError) as error:
        raise ConfigError(f"nothing was written to {file}: {error}.") from None
    _replace(file, text)


def _replace(file: str, text: str) -> None:
    """All of it or nothing; a link stays one, and nobody gets a right that they did not have."""
    import tempfile

    target = os.path.realpath(file)
    folder = os.path.dirname(target)
    temporary = None
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        mode = os.stat(target).st_mode & 0o777 if os.path.exists(target) else 0o600
        number, temporary = tempfile.mkstemp(prefix=".config-", dir=folder)
        with os.fdopen(number, "wb") as new:
            new.write(text.encode())
            new.flush()
            os.fsync(new.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, target)
    except OSError as error:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
        raise ConfigError(f"{file} cannot be written: {error.strerror or error}.") from None
