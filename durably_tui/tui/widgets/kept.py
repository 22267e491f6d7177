"""What was last put in under each key, as far as there is room."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Kept(dict[K, V], Generic[K, V]):
    """A dict of bounded size: what was put in longest ago makes room for what is new.

    Unlike Textual's ``LRUCache``, which keeps the value that a key had first, a value that is put
    in takes the place of the one before.
    """

    def __init__(self, most: int) -> None:
        """Keep so many, 1 or more."""
        super().__init__()
        self._most = most

    def __setitem__(self, key: K, value: V) -> None:
        self.pop(key, None)  # it is the newest again
        super().__setitem__(key, value)
        if len(self) > self._most:
            del self[next(iter(self))]
