"""Who may do what: hooks as Durably has them, and tokens for the simple case.

A hook refuses by raising :class:`Refused`, or by giving back (or raising) a Starlette response.
"""

import hmac
import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from durably_server.engine.errors import DurablyError, InvalidRequestError
from durably_server.engine.model import Run, RunFilter
from durably_server.http.requests import TriggerRequest

ContextT = TypeVar("ContextT")
ValueT = TypeVar("ValueT")

Operation = Literal["read", "subscribe", "steps", "logs", "retry", "retrigger", "cancel", "delete"]
"""What is about to be done with a run."""
_READS = frozenset({"GET", "HEAD"})


class Refused(DurablyError):
    """The answer to somebody who may not do this: a status code and one sentence.

    >>> raise Refused(403, "Only the owner may cancel this run")
    """

    def __init__(self, status: int, sentence: str, headers: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = tuple(headers)


class RefusedWith(Exception):
    """A hook gave a whole response."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"refused with {response.status_code}")
        self.response = response


@dataclass(frozen=True, kw_only=True)
class Auth(Generic[ContextT]):
    """Hooks, plain or async; what ``authenticate`` gives is the first argument of the others.

    They apply to every route and stream but ``GET /health/live``. Where runs are restricted
    (``on_run_access`` or a scope is set), what tells of all runs at once is refused with a 403:
    ``/stats``, ``/metrics``, and ``/logs`` without a run; ``/jobs`` comes without counts.

    Attributes:
        authenticate: looks at the request, before anything else is done with it.
        on_trigger: before a run is made, after the body was checked and its job was found.
        on_run_access: before something is done with one run, which is given to it.
        scope_runs: the filter that is used instead of the one that was asked for.
        scope_runs_subscribe: the same for ``/runs/subscribe``, of which the jobs and the labels
            count; without it, ``scope_runs`` is asked.
    """

    authenticate: Callable[[Request], ContextT | Response | Awaitable[ContextT | Response]]
    on_trigger: Callable[[ContextT, TriggerRequest], Any] | None = None
    on_run_access: Callable[[ContextT, Run, Operation], Any] | None = None
    scope_runs: Callable[[ContextT, RunFilter], RunFilter | Awaitable[RunFilter]] | None = None
    scope_runs_subscribe: (
        Callable[[ContextT, RunFilter], RunFilter | Awaitable[RunFilter]] | None
    ) = None


class Guard:
    """Asks the hooks. Without any, everything is allowed."""

    def __init__(self, auth: Auth[Any] | None) -> None:
        self._auth = auth

    @property
    def restricts_runs(self) -> bool:
        """Whether some runs may be hidden from some people."""
        auth = self._auth
        return auth is not None and any(
            (auth.on_run_access, auth.scope_runs, auth.scope_runs_subscribe)
        )

    async def authenticate(self, scope: Scope) -> Any:
        """Who asks: what the hook makes of it."""
        return None if self._auth is None else await _ask(self._auth.authenticate, Request(scope))

    async def on_trigger(self, context: Any, asked: TriggerRequest) -> None:
        """Before a run is made."""
        if self._auth is not None and self._auth.on_trigger is not None:
            await _ask(self._auth.on_trigger, context, asked)

    async def on_run_access(self, context: Any, run: Run, operation: Operation) -> None:
        """Before something is done with a run."""
        if self._auth is not None and self._auth.on_run_access is not None:
            await _ask(self._auth.on_run_access, context, run, operation)

    async def scope_runs(self, context: Any, where: RunFilter) -> RunFilter:
        """The runs that may be listed."""
        if self._auth is None or self._auth.scope_runs is None:
            return where
        found: RunFilter = await _ask(self._auth.scope_runs, context, where)
        return found

    async def scope_runs_subscribe(self, context: Any, where: RunFilter) -> RunFilter:
        """The runs that may be followed."""
        if self._auth is None or self._auth.scope_runs_subscribe is None:
            return await self.scope_runs(context, where)
        found: RunFilter = await _ask(self._auth.scope_runs_subscribe, context, where)
        return found

    def all_runs(self, what: str) -> None:
        """Before something that tells of all runs at once.

        Raises:
            Refused: runs are restricted.
        """
        if self.restricts_runs:
            raise Refused(403, f"{what} tells of all runs, and here not everybody may see them")


def token_auth(tokens: Iterable[str], read_tokens: Iterable[str] = ()) -> Auth[None]:
    """The simple case: whoever sends ``Authorization: Bearer TOKEN`` may do everything, or read.

    Tokens are compared in constant time, and appear in no log and no answer.

    Args:
        tokens: each allows everything.
        read_tokens: each allows ``GET`` only.

    Raises:
        InvalidRequestError: a token is empty or no header can carry it, or there is none.
    """
    full, reading = _checked(tokens), _checked(read_tokens)
    if not full and not reading:
        raise InvalidRequestError("token_auth needs at least one token.")

    def authenticate(request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        sent = given.strip().encode("latin-1", "replace")
        # Every token is compared, so that the time tells nothing.
        may_write = sum(hmac.compare_digest(sent, token) for token in full)
        may_read = sum(hmac.compare_digest(sent, token) for token in reading)
        if scheme.lower() != "bearer" or not may_write + may_read:
            said = "is not known" if given else "is missing"
            raise Refused(
                401,
                f"The token {said}: send it as Authorization: Bearer TOKEN",
                [("WWW-Authenticate", 'Bearer realm="durably"')],
            )
        if not may_write and request.method not in _READS:
            raise Refused(403, "This token may only read")

    return Auth(authenticate=authenticate)


def _checked(tokens: Iterable[str]) -> tuple[bytes, ...]:
    found = []
    for token in tokens:
        if not token or not token.isascii() or not token.isprintable() or token != token.strip():
            raise InvalidRequestError(
                "A token is empty or has characters that a header cannot carry: "
                "use letters, digits and punctuation."
            )
        found.append(token.encode("ascii"))
    return tuple(found)


async def _ask(hook: Callable[..., Any], *arguments: Any) -> Any:
    try:
        answer = hook(*arguments)
        if inspect.isawaitable(answer):
            answer = await answer
    except HTTPException as refusal:  # FastAPI's is one of these
        headers = (refusal.headers or {}).items()
        raise Refused(refusal.status_code, str(refusal.detail), headers) from None
    if isinstance(answer, Response):
        raise RefusedWith(answer)
    return answer
