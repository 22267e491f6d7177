"""What a process holds: memory, open files, sockets. By /proc, so on Linux only."""

from __future__ import annotations

import gc
import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Vitals:
    """At one moment."""

    megabytes: float
    files: int
    """Everything that is open, sockets included."""
    sockets: int

    def __str__(self) -> str:
        return f"{self.megabytes:.0f} MB, {self.files} files, {self.sockets} sockets"


def vitals(pid: int | None = None) -> Vitals:
    """Of a process, or of this one after it has tidied up."""
    if pid is None:
        gc.collect()
    folder = f"/proc/{pid or 'self'}"
    kinds = []
    for number in os.listdir(f"{folder}/fd"):
        try:
            kinds.append(os.readlink(f"{folder}/fd/{number}"))
        except FileNotFoundError:  # the folder itself, while it was read
            continue
    with open(f"{folder}/status") as file:
        resident = next(line for line in file if line.startswith("VmRSS"))
    sockets = sum(kind.startswith("socket:") for kind in kinds)
    return Vitals(int(resident.split()[1]) / 1024, len(kinds), sockets)
