"""What of a run goes into the clipboard: harmless in a shell, and never a token."""

from __future__ import annotations

import json
import shlex

from durably_tui.protocol import Run, RunStatus
from durably_tui.tui.screens.copy_run import command_line, curl_line, whole_json

URL = "https://jobs.example/api/durably"
HOSTILE_ID = "a'b; rm -rf $(x) \u202e & \ud800"


def run(**fields) -> Run:
    return Run(**({"id": "01R5", "job_name": "quick", "status": RunStatus.RUNNING} | fields))


def test_curl_names_the_variable_of_the_token() -> None:
    assert shlex.split(curl_line(run(), URL)) == [
        "curl", "-sS", "-H", "Authorization: Bearer $DURABLY_TOKEN", f"{URL}/run?runId=01R5",
    ]  # fmt: skip


def test_what_a_server_says_is_one_word_in_a_shell() -> None:
    told = run(id=HOSTILE_ID)
    words = shlex.split(curl_line(told, URL))
    assert len(words) == 5
    assert words[-1].startswith(f"{URL}/run?runId=a%27b%3B%20rm")
    words = shlex.split(command_line(told, URL))
    assert words == ["durably-tui", "run", HOSTILE_ID.replace("\ud800", "?"), "--server", URL]


def test_json_is_that_of_the_command_line() -> None:
    told = json.loads(whole_json(run(input={"a": "\ud800"})) or "")
    assert told["status"] == "running"
    assert told["input"] == {"a": "?"}
    assert whole_json(run(output="x" * 200_000)) is None
