"""What went wrong, in one readable text: what a person sees first at three in the morning."""

import asyncio

from pydantic import ValidationError

from durably_server.engine import codec

MAX_REASON = 16_384
"""Characters of an error that are kept."""
_SHOWN_PROBLEMS = 3
_NEED_A_NAME = (KeyError, SystemExit, KeyboardInterrupt, StopIteration, AssertionError)


def reason_of(error: BaseException) -> str:
    """The error's own words; its class name where it has none, or where the words need it."""
    if isinstance(error, BaseExceptionGroup) and error.exceptions:
        inner = "; ".join(reason_of(each) for each in error.exceptions[:3])
        return _bounded(f"{error.message}: {inner}")
    name = type(error).__name__
    try:
        text = str(error)
    except BaseException:
        return f"{name}, which cannot say what happened"
    if not text.strip():
        return "the job was cancelled from inside" if _is_cancel(error) else name
    if isinstance(error, _NEED_A_NAME):
        return _bounded(f"{name}: {text}")
    return _bounded(text)


def describe(error: ValidationError) -> str:
    """A pydantic error as one line: ``value: Input should be a valid string``."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    shown = []
    for problem in problems[:_SHOWN_PROBLEMS]:
        where = ".".join(str(part) for part in problem["loc"])
        shown.append(f"{where}: {problem['msg']}" if where else problem["msg"])
    if len(problems) > _SHOWN_PROBLEMS:
        shown.append(f"and {len(problems) - _SHOWN_PROBLEMS} more")
    return "; ".join(shown)


def _is_cancel(error: BaseException) -> bool:
    return isinstance(error, asyncio.CancelledError)


def _bounded(text: str) -> str:
    text = codec.printable(text)
    return text if len(text) <= MAX_REASON else text[:MAX_REASON] + " …"
