"""A real CSV file of customers, the same for the same seed."""

import csv
import random
from pathlib import Path
from typing import Any

_FIRST = ("Ada", "Grace", "Linus", "Margaret", "Edsger", "Barbara", "Ken", "Radia", "Niklaus")
_LAST = ("Okafor", "Lindqvist", "Tanaka", "Moreau", "Silva", "Novak", "Haddad", "Jensen", "Rossi")
_PLANS = ("free", "team", "business", "enterprise")
_COLUMNS = ("customer", "name", "email", "plan", "seats")


def write_customers(path: Path, rows: int, seed: int) -> int:
    """Write ``rows`` customers; about one in twelve lacks a name or an address. Answers bytes."""
    chance = random.Random(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS)
        writer.writeheader()
        for number in range(rows):
            first, last = chance.choice(_FIRST), chance.choice(_LAST)
            writer.writerow(
                {
                    "customer": 1000 + seed * 500 + number,
                    "name": "" if chance.random() < 0.05 else f"{first} {last}",
                    "email": ""
                    if chance.random() < 0.04
                    else f"{first}.{last}@example.com".lower(),
                    "plan": chance.choice(_PLANS),
                    "seats": chance.randint(1, 250),
                }
            )
    return path.stat().st_size


def read_customers(path: Path) -> list[dict[str, Any]]:
    """The rows of such a file.

    Raises:
        FileNotFoundError: it is not there.
    """
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
