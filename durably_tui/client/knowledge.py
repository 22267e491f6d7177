"""What a server can do, found by looking and never by doing.

Each question is one that every server answers without a change: an action without a ``runId`` is
refused before it begins (400) where the route exists, and is no route (404, a text) where it does
not; a status that does not exist is refused by servers that check it, with the words that they
know. See ``protocol.md``, "Words that changed between the generations".
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from durably_tui.protocol import ABILITIES, Abilities, DurablyError

from .answer import Answer
from .door import Door
from .together import together

NO_STATUS = "bogus"


class Knowledge:
    """What is known of one server; what was forced always holds, the rest is looked up."""

    def __init__(self, door: Door, forced: Abilities | None) -> None:
        self._door = door
        self._forced = forced or Abilities()
        self._looking = asyncio.Lock()
        self.abilities = self._forced

    async def look(self) -> Abilities:
        """Ask the server again, unless all is forced.

        Raises:
            DurablyError: the server does not answer, or is none of Durably's.
        """
        async with self._looking:
            if not _is_whole(self._forced):
                self.abilities = _merge(self._forced, await look(self._door))
            return self.abilities

    async def needing(self, *names: str) -> Abilities:
        """What is known, after a look if one of these abilities is not found out yet."""
        if any(getattr(self.abilities, name) is None for name in names):
            async with self._looking:
                if any(getattr(self.abilities, name) is None for name in names):
                    self.abilities = _merge(self._forced, await look(self._door))
        return self.abilities


def forced_abilities(given: str | Abilities | None) -> Abilities | None:
    """Abilities that the caller names instead of having them looked up.

    Raises:
        DurablyError: no generation has that name.
    """
    if given is None or isinstance(given, Abilities):
        return given
    try:
        return ABILITIES[given]
    except KeyError:
        names = ", ".join(ABILITIES)
        raise DurablyError(f"No generation is called “{given}”: choose one of {names}.") from None


async def look(door: Door) -> Abilities:
    """Ask all questions at once.

    Raises:
        DurablyError: the server does not answer, or is none of Durably's.
    """
    base, retry, retrigger, one_status, two_statuses, newest = await together(
        door.ask("GET", ""),
        door.ask("POST", "/retry"),
        door.ask("POST", "/retrigger"),
        door.ask("GET", "/runs", [("status", NO_STATUS), ("limit", "1")]),
        door.ask("GET", "/runs", [("status", "completed"), ("status", NO_STATUS), ("limit", "1")]),
        door.ask("GET", "/runs", [("limit", "1")]),
    )
    runs = _json(newest)
    if (error := newest.error()) is not None:
        raise error
    if not isinstance(runs, list):
        raise newest.strange(f"{newest.content_type or 'something'} that is not a list of runs")
    checks_status = one_status.status == 400
    words = one_status.reason or ""
    found = Abilities(
        retry=_has_route(retry),
        retrigger=_has_route(retrigger),
        labels="labels" in runs[0] if runs and isinstance(runs[0], dict) else checks_status,
        many=two_statuses.status == 400,
        leased=checks_status and ("leased" in words or "running" not in words),
        features=_features(base),
    )
    return msgspec.structs.replace(found, generation=_name(found, _json(base)))


def _name(found: Abilities, info: Any) -> str:
    """The generation as people call it, or the nearest one that has such abilities."""
    if isinstance(info, dict) and "generation" in info and "features" in info:
        return "python"
    if found.retry and found.retrigger:
        return "python"
    if found.retrigger:
        return "0.15" if found.many and found.leased else "0.12"
    if found.retry:
        return "0.9" if found.labels else "0.8"
    return "0.15" if found.leased else ""


def _features(base: Answer) -> frozenset[str] | None:
    """What the server names as its own; None where it could not answer just now."""
    info = _json(base)
    if isinstance(info, dict) and isinstance(named := info.get("features"), list):
        return frozenset(each for each in named if isinstance(each, str))
    return None if base.status >= 500 or base.status == 429 else frozenset()


def _has_route(answer: Answer) -> bool | None:
    """Whether an action without a run was refused for that; None where nobody let us see."""
    if answer.is_missing_route:
        return False
    return True if answer.status in {400, 422} else None


def _json(answer: Answer) -> Any:
    try:
        return msgspec.json.decode(answer.body) if answer.status == 200 else None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _is_whole(abilities: Abilities) -> bool:
    return all(getattr(abilities, name) is not None for name in abilities.__struct_fields__)


def _merge(forced: Abilities, seen: Abilities) -> Abilities:
    given = {n: v for n, v in msgspec.structs.asdict(forced).items() if v is not None and v != ""}
    return msgspec.structs.replace(seen, **given)
