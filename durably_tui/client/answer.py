"""What came back from a server, and which error it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import TypeVar

import msgspec

from durably_tui.protocol import (
    Conflict,
    DurablyError,
    NotADurablyServer,
    NotFound,
    RefusedInput,
    ServerFault,
    Unauthorised,
)

from .address import USUAL_BASE_PATH, Address

ErrorT = TypeVar("ErrorT", bound=DurablyError)

_TITLE = re.compile(rb"<title[^>]*>(.{0,300}?)</title", re.IGNORECASE | re.DOTALL)
_MISSING = re.compile(r"(run|job) not found|unknown job", re.IGNORECASE)
# 0.8 says 500 to everything that is refused, so there only its words tell a refusal from a fault.
# "Cannot read properties of undefined" is a fault, so the verbs are named.
_CONFLICT = re.compile(r"cannot (cancel|retry|retrigger|delete|coalesce)\b", re.IGNORECASE)
_REFUSED = re.compile(
    r"invalid (input|label|status|limit|offset)|only finite numbers|\bin JSON\b|is required$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Answer:
    """One answer, read whole.

    Attributes:
        tried: what was asked, for a person: method and address, no query and no credentials.
        took_ms: from the request to the end of the answer.
        date: the server's clock, as HTTP writes it; empty where it does not say.
        total: how many runs fit in all, where that was asked; empty where it does not say.
    """

    address: Address
    tried: str
    status: int
    content_type: str
    location: str
    body: bytes
    took_ms: float = 0.0
    date: str = ""
    total: str = ""

    @property
    def is_html(self) -> bool:
        """Whether a page for a browser came back, as from a proxy or a login wall."""
        return "html" in self.content_type or self.body[:100].lstrip().lower().startswith(
            (b"<!doctype", b"<html")
        )

    @property
    def is_missing_route(self) -> bool:
        """Whether the server says that it has no such route: its 404 is a text, not JSON."""
        return self.status in {404, 405, 501} and self.reason is None and not self.is_html

    @property
    def reason(self) -> str | None:
        """The server's own words: ``error`` of a JSON object, as all generations write it."""
        try:
            fields = msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None
        reason = fields.get("error") if isinstance(fields, dict) else None
        return self.address.without_secrets(reason) if isinstance(reason, str) else None

    def error(self) -> DurablyError | None:
        """The error that this answer is, or None where its status says success."""
        if 200 <= self.status < 300:
            return self.strange() if self.is_html else None
        reason, status = self.reason, self.status
        if status in {401, 403}:
            return self._as(
                Unauthorised, "give a token (as DURABLY_TOKEN) or headers that this server accepts"
            )
        if status >= 500 and reason is not None:
            if _MISSING.match(reason):
                return self._missing(reason)
            if _CONFLICT.match(reason):
                return self._as(Conflict, "check which state the run is in now")
            if _REFUSED.search(reason):
                return self._as(RefusedInput, "correct it and send it again")
        if status >= 500 or status in {408, 425, 429}:
            return self._as(
                ServerFault, "try again, and check the server's log if it happens again"
            )
        if status == 404 and reason is not None and _MISSING.match(reason):
            return self._missing(reason)
        if status == 409:
            return self._as(Conflict, "check which state the run is in now")
        if status == 413:
            return self._as(RefusedInput, "send a smaller input")
        if status in {400, 422} and not self.is_html:
            return self._as(RefusedInput, "correct it and send it again")
        return self.strange()

    def strange(self, what: str = "") -> NotADurablyServer:
        """An answer that no Durably server gives; ``what`` it was, where the status is fine."""
        if 300 <= self.status < 400:
            target = self.location.partition("?")[0] or "nowhere"
            return self._as(NotADurablyServer, "use the address that it leads to", f"to {target}")
        base = self.address.base_path
        advice = "check host, port and base path"
        if base != USUAL_BASE_PATH:
            advice += f"; the usual address would be {self.address.origin}{USUAL_BASE_PATH}"
        elif self.is_html:
            advice += ", and whether a proxy or a login page stands in between"
        return self._as(NotADurablyServer, advice, what)

    def garbled(self, what: str) -> ServerFault:
        """An answer that began well and cannot be read."""
        return self._as(
            ServerFault, "try again, and check the server's log if it happens again", what
        )

    def too_large(self, limit: int) -> ServerFault:
        """An answer that nobody should have to hold."""
        return self._as(ServerFault, "ask for fewer runs at once", f"more than {limit} bytes")

    def no_route(self, word: str, instead: str) -> Conflict:
        """This server's generation cannot do that at all."""
        return Conflict(
            f"{self.tried} answered {self.status}: this server has no {word}; {instead}.",
            reason=self.reason,
            status=self.status,
        )

    def _missing(self, reason: str) -> NotFound:
        is_job = "job" in reason[:11].lower()
        advice = "check the name of the job" if is_job else "fetch the list of runs again"
        return self._as(NotFound, advice)

    def _as(self, cls: type[ErrorT], advice: str, what: str = "") -> ErrorT:
        reason = self.reason
        if not what:
            what = f"“{one_line(reason)}”" if reason else self._looks()
        return cls(
            f"{self.tried} answered {self.status}, {what}: {advice}.",
            reason=reason,
            status=self.status,
        )

    def _looks(self) -> str:
        """What a body is that gives no reason."""
        if self.is_html:
            title = _TITLE.search(self.body[:8192])
            named = one_line(unescape(title[1].decode("utf-8", "replace"))) if title else ""
            return f"a web page titled “{named}”" if named else "a web page"
        text = one_line(self.address.without_secrets(self.body[:400].decode("utf-8", "replace")))
        if not text:
            return "without a word"
        kind = self.content_type or "content without a type"
        return f"“{text}”" if "text/plain" in kind else f"{kind} that is not Durably's"


def one_line(text: str, limit: int = 200) -> str:
    """``text`` fit for a sentence: one line, no control characters, not too long."""
    line = "".join(c if c.isprintable() else " " for c in text[: limit * 4])
    line = " ".join(line.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
