"""What a hostile server says, printed by every command: nothing of it reaches the terminal."""

from __future__ import annotations

import json
import unicodedata

import pytest
from support.command import Home, run
from support.command_server import CommandServer
from support.hostile import bundles, is_inert

UNSEEN = {"Cc", "Cf", "Zl", "Zp"}
"""What JSON could hold raw that a terminal obeys or does not show."""
TEXTS = [text[:400] for text in bundles()]


@pytest.fixture(params=["shared", pytest.param("node", marks=pytest.mark.node)])
def server(request: pytest.FixtureRequest) -> CommandServer:
    found: CommandServer = request.getfixturevalue(request.param)
    return found


def inert(home: Home, server: CommandServer, *arguments: str, stdin: str = "") -> str:
    """Run a command and check both its streams; what it printed."""
    answer = run(home, *arguments, "-s", server.url, stdin=stdin)
    said = answer.stdout + answer.stderr
    if {"json", "ndjson", "output", "events"} & {*arguments}:
        assert not {unicodedata.category(char) for char in said if char != "\n"} & UNSEEN, said
    else:
        assert all(is_inert(line) for line in said.split("\n")), (arguments, said)
    assert "Traceback" not in said
    return answer.stdout


def test_every_command_that_prints(home: Home, server: CommandServer) -> None:
    labels = {"env": TEXTS[0][:200]}
    ids = [server.done("hostile", {"text": text, "fail": True}, labels=labels) for text in TEXTS]
    forms = ("table", "wide", "json", "ndjson", "csv")
    for form in forms:
        inert(home, server, "runs", "--job", "hostile", "-o", form)
    for run_id in ids[:3]:
        for form in ("text", "json"):
            inert(home, server, "run", run_id, "-o", form)
        for form in ("table", "csv"):
            inert(home, server, "steps", run_id, "-o", form)
        inert(home, server, "logs", run_id)
        inert(home, server, "events", run_id)
    assert inert(home, server, "wait", *ids).count(" failed") == len(ids)
    inert(home, server, "watch", *ids)


@pytest.mark.parametrize("output", ["id", "json", "output"])
def test_the_reason_of_a_run_that_was_waited_for(
    home: Home, server: CommandServer, output: str
) -> None:
    for text in TEXTS[:3]:
        given = json.dumps({"text": text, "fail": True})
        arguments = ("trigger", "hostile", "--wait", "-o", output, "-i", "-")
        inert(home, server, *arguments, stdin=given)


def test_the_reason_of_a_refusal(home: Home, server: CommandServer) -> None:
    inert(home, server, "trigger", TEXTS[0])
    inert(home, server, "cancel", TEXTS[0])
