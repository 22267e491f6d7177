"""What goes back over HTTP when it is no stream."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from starlette.types import Send

from durably_server.engine.codec import encode

JSON = b"application/json"
TEXT = b"text/plain;charset=UTF-8"

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, ready to be sent."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: Headers = ()

    async def send(self, send: Send) -> None:
        """Send it."""
        length = str(len(self.body)).encode()
        headers = [
            (b"content-type", self.content_type),
            (b"content-length", length),
            *self.headers,
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def json_answer(body: Any, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """An answer of JSON; header values are text that a header can carry."""
    lines = tuple((name.encode("ascii"), value.encode("latin-1")) for name, value in headers)
    return Answer(encode(body), status, headers=lines)


def error_answer(status: int, sentence: str, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """``{"error": sentence}``, as every Durably server says what is wrong."""
    return json_answer({"error": sentence}, status, headers)


NOT_FOUND = Answer(b"Not Found", 404, TEXT)
"""For a path or a method that is no route: no JSON, as on every Durably server."""
