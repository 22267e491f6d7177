"""The rows of the matrix, made from the code's own tables, and why a cell cannot be.

The rows are whatever our server routes and whatever words our decoder knows: one that is added
there and is neither told by the story nor given a reason here is a cell that fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from durably_server.http.routes import ROUTES as SERVED
from durably_tui.protocol.events import KNOWN
from tests.proof.matrix.driver import APP, CLIENT, REACT
from tests.proof.matrix.servers import NODE, OURS, OURS_08, REPLAY
from tests.proof.matrix.story import ALL, EXTRAS, ONE, STARTED

ROUTES = [*(f"{route.method} {route.path}".strip() for route in SERVED), "GET /openapi.json"]
EVENTS = [
    STARTED if word == "run:leased" else word
    for word in (str(event.__struct_config__.tag) for event in KNOWN)
    if word != "run:start"
]


def row_names() -> list[str]:
    """Every row, in the order of the table."""
    return [*ROUTES, *(f"{event} on {stream}" for stream in (ALL, ONE) for event in EVENTS)]


Cell = tuple[str, str, str]
"""A client, a server, a row."""


@dataclass(frozen=True)
class Reason:
    """Why there are no such cells."""

    letter: str
    text: str
    holds: Callable[[str, str, str], bool]
    never: bool = True
    """Whether the wire can never carry it, so that it is a failure where it does."""


_OLD = (OURS_08, REPLAY)
_MACHINES = ("GET /health", "GET /health/live", "GET /health/ready", "GET /metrics")
_NEVER_OF_ONE = ("run:trigger", "run:delete")

REASONS = (
    Reason(
        "a",
        "the server has no such route: 404 with the text Not Found",
        lambda client, server, row: (
            (row == "POST /retry" and server == NODE)
            or (row == "POST /retrigger" and server in _OLD)
            or (row in EXTRAS and server in (NODE, REPLAY))
        ),
    ),
    Reason(
        "b",
        "the hooks of @coji/durably-react have no call for it",
        lambda client, server, row: client == REACT and (row in EXTRAS or row == "POST /retry"),
    ),
    Reason(
        "c",
        "for probes, scrapers and tools: client and monitor have no call for it",
        lambda client, server, row: (
            client in (CLIENT, APP) and row in (*_MACHINES, "GET /openapi.json")
        ),
    ),
    Reason(
        "d",
        "no server sends it: it is for listeners in the server's own process",
        lambda client, server, row: row.startswith("run:lease-renewed"),
    ),
    Reason(
        "e",
        "0.8 has no such event",
        lambda client, server, row: (
            server in _OLD and row.startswith(("run:coalesced", "run:delete", "step:cancel"))
        ),
    ),
    Reason(
        "f",
        "Node tells no gaps, and 0.15 of it has no /retry",
        lambda client, server, row: (
            (row.startswith("gap") and server in (NODE, REPLAY))
            or (row.startswith("run:retry") and server == NODE)
        ),
    ),
    Reason(
        "g",
        "a stream of one run opens after its trigger and ends with it, before it can come",
        lambda client, server, row: (
            row.endswith(f" {ONE}") and row.partition(" on ")[0] in _NEVER_OF_ONE
        ),
    ),
    Reason(
        "j",
        "0.15 tells it on the stream of all runs only",
        lambda client, server, row: (
            row in (f"run:coalesced on {ONE}", f"step:cancel on {ONE}") and server not in _OLD
        ),
    ),
    Reason(
        "h",
        "the stream of one run has ended with its failure",
        lambda client, server, row: row == f"run:retry on {ONE}" and server == OURS,
    ),
    Reason(
        "k",
        "the monitor has left the stream of a run that is over, and hears of it on the other one",
        lambda client, server, row: (
            row == f"run:retry on {ONE}" and client == APP and server in _OLD
        ),
        never=False,
    ),
    Reason(
        "i",
        "the hooks of @coji/durably-react have no /retry, so nobody asks for it here",
        lambda client, server, row: client == REACT and row.startswith("run:retry"),
    ),
)
_used: dict[str, Reason] = {}


def reason(client: str, server: str, row: str) -> Reason | None:
    """Why this cell cannot be; None where it has to be."""
    for each in REASONS:
        if each.holds(client, server, row):
            _used[each.letter] = each
            return each
    return None


def reasons_used() -> list[Reason]:
    """Those that a cell of this run needed."""
    return [each for each in REASONS if each.letter in _used]
