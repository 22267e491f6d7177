"""The recorded exchanges of real servers in tests/wire, read as they were written."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WIRE = Path(__file__).parent.parent / "wire"


@dataclass(frozen=True)
class Exchange:
    """One request and its answer; `path` is below the base path and carries the query."""

    name: str
    method: str
    path: str
    request_body: Any
    status: int
    content_type: str
    body: Any

    @property
    def request_bytes(self) -> bytes | None:
        """The body as it was sent: text went as it is (`trigger-not-json`), the rest as JSON."""
        if self.request_body is None:
            return None
        if isinstance(self.request_body, str):
            return self.request_body.encode()
        return json.dumps(self.request_body).encode()


def exchange(generation: str, name: str) -> Exchange:
    """Read one recorded exchange: `exchange("v0.8", "run-active")`."""
    recorded = json.loads((WIRE / generation / f"{name}.json").read_bytes())
    request, response = recorded["request"], recorded["response"]
    return Exchange(
        name=name,
        method=request["method"],
        path=request["path"],
        request_body=request["body"],
        status=response["status"],
        content_type=response["contentType"],
        body=response["body"],
    )


def exchange_names(generation: str) -> list[str]:
    """Names of all recorded exchanges of a generation, sorted."""
    return sorted(
        path.stem
        for path in (WIRE / generation).glob("*.json")
        if path.stem != "streams-closed-by-server"
    )


def stream_names(generation: str) -> list[str]:
    """Names of all recorded streams of a generation, sorted."""
    return sorted(path.stem for path in (WIRE / generation).glob("*.sse"))


def stream_bytes(generation: str, name: str) -> bytes:
    """A recorded stream, byte for byte."""
    return (WIRE / generation / f"{name}.sse").read_bytes()


def stream_events(generation: str, name: str) -> list[dict[str, Any]]:
    """The events of a recorded stream, in order."""
    frames = stream_bytes(generation, name).split(b"\n\n")
    return [json.loads(frame.removeprefix(b"data: ")) for frame in frames if frame]


def closed_by_server(generation: str) -> dict[str, bool]:
    """Which recorded streams the server ended by itself."""
    closed: dict[str, bool] = json.loads(
        (WIRE / generation / "streams-closed-by-server.json").read_bytes()
    )
    return closed
