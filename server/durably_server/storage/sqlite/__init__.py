"""SQLite: the tables of a 0.15 server, one writer that commits together, readers beside it."""

from durably_server.storage.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
