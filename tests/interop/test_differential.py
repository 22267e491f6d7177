"""The Node server and ours are told the same story, and answer and stream the same.

Where they do not, it is on the list here, with the reason; a difference that is not on the list
fails the test, and so does one on the list that is none.
"""

from pathlib import Path

import pytest
from support.differences import Declared, Words, judge, of_answers, of_streams
from support.node_server import NodeServer
from support.python_server import PythonServer
from support.scenario import Scenario
from support.server_process import ServerProcess
from support.witness import Witness


def words(*found: str) -> Words:
    return frozenset(found)


def each(names: str, *found: str) -> dict[str, Words]:
    """The same words for many answers, a line each."""
    return {name.strip(): words(*found) for name in names.strip().splitlines()}


OTHER_TEXT = words("body.error")
REFUSED_WITH_400 = words("status", "body.error")
TAKEN_THERE = words("status", "body.runId missing", "body.disposition missing", "body.error added")
OTHER_ANSWER = words("status", "content_type", "body")

DECLARED = [
    Declared(
        "routes that a 0.15 server does not have",
        each(
            """
            GET the base
            GET /
            GET /jobs
            GET /logs
            GET /stats
            GET /health
            GET /metrics
            GET /openapi.json
            POST /retry
            """,
            *OTHER_ANSWER,
        ),
    ),
    Declared(
        "what is no request for a run is the client's mistake: 400, and a sentence",
        each(
            """
            trigger with no body
            trigger with text
            trigger with half a body
            trigger with null
            trigger with NaN
            trigger with a lone surrogate
            trigger with a number as job
            trigger with an object as job
            trigger with a label with null
            """,
            *REFUSED_WITH_400,
        )
        | each(
            """
            trigger with a label key with a space
            trigger with an empty label key
            runs ?label.=x
            runs ?label.a%20b=x
            """,
            "status",
        )
        | each(
            """
            trigger with a number
            trigger with a string
            trigger with an array
            trigger with an empty array
            trigger with a number as coalesce
            """,
            *OTHER_TEXT,
        ),
    ),
    Declared(
        "labels and keys are text: nothing else is taken and turned into something else",
        each(
            """
            trigger with not UTF-8
            trigger with labels as array
            trigger with labels as text
            trigger with a label with a number
            trigger with a number as idempotency key
            trigger with a number as concurrency key
            """,
            *TAKEN_THERE,
        )
        | {"runs after bad triggers": words("body length")},
    ),
    Declared(
        "a body has a limit of 1 MiB",
        {"trigger with 2 MB": REFUSED_WITH_400},
    ),
    Declared(
        "an input that does not fit is told in pydantic's words, not in zod's",
        each(
            """
            trigger with no input
            trigger with null as input
            trigger with a string as input
            trigger with an array as input
            trigger with an empty input
            trigger with a wrong type
            trigger with a number out of range
            trigger with a fraction
            trigger with a number as text
            """,
            *OTHER_TEXT,
        ),
        anywhere=words("<refused output>.error", "run:fail <refused output>.error"),
    ),
    Declared(
        "a limit is a number as it is written, and has a limit itself",
        each(
            """
            runs ?limit=1.5
            runs ?limit=10x
            runs ?limit=%20%202
            runs ?limit=%2B2
            runs ?limit=1e3
            runs ?limit=1000000000
            """,
            "status",
            "body",
        )
        | {"runs ?limit=99999999999999999999": REFUSED_WITH_400},
    ),
    Declared(
        "a failure without words is told by the name of its class",
        anywhere=words(
            "<fails silently>.error",
            "run:fail <fails silently>.error",
            "step:fail <fails silently>.error",
        ),
    ),
    Declared(
        "what may be said once is not said twice",
        each(
            """
            GET /run of two ids
            GET /steps of two ids
            GET /subscribe of two ids
            POST /retrigger of two ids
            POST /cancel of two ids
            DELETE /run of two ids
            """,
            *REFUSED_WITH_400,
        )
        | {"runs ?limit=2&limit=1": words("status", "body")},
    ),
    Declared(
        "every event tells its time, and by its id a stream that was lost goes on after it",
        anywhere=words("*.timestamp added", "fields.id added"),
    ),
    Declared(
        "text is kept whole: libSQL reads it up to its first NUL",
        anywhere=words("<NUL>.error", "run:fail <NUL>.error", "run:fail <NUL>.failedStepName"),
    ),
    Declared(
        "a failed step keeps its index: a Node server gives it to the next step again",
        anywhere=words(
            "<recovers>.currentStepIndex",
            "step:start <recovers>.stepIndex",
            "step:complete <recovers>.stepIndex",
        ),
    ),
    Declared(
        "Python's None is null, where JavaScript's undefined is not there",
        anywhere=words(
            "step:complete <noisy>.output added",
            "step:complete <quiet>.output added",
            "run:complete <quiet>.output added",
        ),
    ),
]

WITH_STEPS = [
    Declared(
        "a failed step keeps its index here as well",
        {"steps recovers": words("body[].index")},
    ),
    Declared(
        "the step that was under way when its run was cancelled is kept, as cancelled",
        {"steps of cancelled leased": words("body length")},
    ),
]
"""Differences only where steps are preserved."""

WITHOUT_STEPS = [
    Declared(
        "steps go with the end of the run: a Node server forgets to when it was cancelled",
        {"steps of cancelled leased": words("body length")},
    ),
]
"""Differences only where steps are not preserved."""


async def told(server: ServerProcess, folder: Path) -> Witness:
    async with server, server.client() as http:
        return await Scenario(http, folder).tell()


@pytest.mark.parametrize("preserve_steps", [True, False], ids=["steps kept", "steps forgotten"])
async def test_both_servers_tell_the_same_story(
    preserve_steps: bool, tmp_path: Path, require_node: None
) -> None:
    node = NodeServer(tmp_path / "node.db", max_concurrent_runs=1, preserve_steps=preserve_steps)
    ours = PythonServer(tmp_path / "ours.db", max_concurrent_runs=1, preserve_steps=preserve_steps)
    theirs, mine = await told(node, tmp_path / "node"), await told(ours, tmp_path / "ours")
    found = {}
    answers, other_answers = theirs.answers(), mine.answers()
    assert answers.keys() == other_answers.keys()
    for name, answer in answers.items():
        found[name] = of_answers(answer, other_answers[name])
    streams, other_streams = theirs.streams(), mine.streams()
    assert streams.keys() == other_streams.keys()
    for name, stream in streams.items():
        found[f"stream {name}"] = of_streams(stream, other_streams[name])
    undeclared, unused = judge(found, DECLARED + (WITH_STEPS if preserve_steps else WITHOUT_STEPS))
    assert not undeclared, "differences that nobody declared"
    assert not unused, "declared differences that are none"
    assert len(answers) > 250
    every_type = {event["type"] for stream in streams.values() for event in stream["events"]}
    assert every_type == EVENT_TYPES - {"run:progress"}


EVENT_TYPES = {
    *("run:trigger", "run:coalesced", "run:leased", "run:progress", "run:complete", "run:fail"),
    *("run:cancel", "run:delete", "step:start", "step:complete", "step:fail", "step:cancel"),
    "log:write",
}
"""What a 0.15 server streams (protocol.md, Events)."""
