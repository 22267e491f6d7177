"""The composition root: an address chooses the database, the engine does the rest."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Unpack

from durably_server.engine.engine import Engine
from durably_server.engine.errors import InvalidRequestError
from durably_server.engine.jobs import JobDefinition
from durably_server.engine.options import EngineOptions
from durably_server.engine.store import Store
from durably_server.storage.memory import MemoryStore
from durably_server.storage.sqlite import SqliteStore

_SQLITE = "sqlite:///"


class Durably(Engine):
    """Durable jobs on a database.

    >>> durably = Durably("sqlite:///local.db", jobs=[import_csv], max_concurrent_runs=4)

    Args:
        url: ``sqlite:///relative.db``, ``sqlite:////absolute.db``, or ``memory:``, which
            forgets everything with the process.
        jobs: job definitions to register.
        options: see :class:`~durably_server.engine.options.EngineOptions`.

    Raises:
        InvalidRequestError: an address or an option that is not understood.
    """

    def __init__(
        self,
        url: str,
        jobs: Iterable[JobDefinition[Any, Any]] = (),
        **options: Unpack[EngineOptions],
    ) -> None:
        super().__init__(_store_at(url), jobs, **options)
        self.url = url


def _store_at(url: str) -> Store:
    if url == "memory:":
        return MemoryStore()
    path = url.removeprefix(_SQLITE)
    if not url.startswith(_SQLITE) or not path:
        raise InvalidRequestError(
            f'The database address "{url}" is not understood: '
            "write sqlite:///FILE, sqlite:////ABSOLUTE/FILE, or memory:."
        )
    return SqliteStore(Path(path))
