"""A store that lives as long as its process: for tests, and for jobs that may be forgotten."""

from durably_server.storage.memory.store import MemoryStore

__all__ = ["MemoryStore"]
