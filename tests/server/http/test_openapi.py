"""The server does what ``/openapi.json`` says, as far as a machine can find out."""

import asyncio
import sys
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from support.plain_http import plain_client
from support.server import echo, make_durably

from durably_server import Durably, create_durably_handler
from durably_server.http.serving import serving

# A method that a path does not have is a 404 with a text, as on every Durably server.
NOT_CHECKED = "unsupported_method"
EXAMPLES = 5
"""Of each kind for each route: enough to find a wrong answer, few enough for half a minute."""
PATIENCE = 100


def hanging_up(app: ASGIApp) -> ASGIApp:
    """The same app, whose clients leave a stream as soon as it is open: it would never end."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        streams = asyncio.Event()

        async def receive_or_leave() -> Message:
            asked = asyncio.ensure_future(receive())
            opened = asyncio.ensure_future(streams.wait())
            await asyncio.wait([asked, opened], return_when=asyncio.FIRST_COMPLETED)
            opened.cancel()
            if streams.is_set():
                asked.cancel()
                await asyncio.sleep(0.01)
                return {"type": "http.disconnect"}
            return await asked

        async def watching(message: Message) -> None:
            if (b"content-type", b"text/event-stream") in message.get("headers", ()):
                streams.set()
            await send(message)

        await app(scope, receive_or_leave, watching)

    return wrapped


async def checked(durably: Durably, *options: str, folder: Path) -> tuple[int | None, str]:
    handler = create_durably_handler(durably, base_path="/api/durably")
    async with serving(hanging_up(handler)) as url:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/api/durably/openapi.json"),
            *("--no-color", "--seed", "1", "--max-examples", str(EXAMPLES)),
            *("--exclude-checks", NOT_CHECKED, *options),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=folder,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    handler.hub.close()
    await durably.stop()
    return process.returncode, said.decode()


async def test_schemathesis_finds_no_fault(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code, said = await checked(make_durably(tmp_path, echo), folder=tmp_path)
    assert code == 0, said
    assert "18 selected / 18 total" in said
    assert [record for record in caplog.records if record.name == "durably_server"] == []


async def test_it_would_find_one(tmp_path: Path) -> None:
    durably = make_durably(tmp_path, echo)
    durably.stats = lambda *_: None  # type: ignore[assignment, method-assign, return-value]
    options = ("--include-path=/stats", "--phases=coverage")
    code, said = await checked(durably, *options, folder=tmp_path)
    assert code == 1
    assert "GET /stats" in said


async def test_a_job_says_what_it_takes(tmp_path: Path) -> None:
    handler = create_durably_handler(make_durably(tmp_path))
    async with serving(handler) as url, plain_client(url) as client:
        whole = (await client.get("/openapi.json")).json()
    await handler.durably.stop()
    schemas = whole["components"]["schemas"]
    forms = schemas["TriggerRequest"]["anyOf"]
    assert [form["properties"]["jobName"]["const"] for form in forms] == ["echo", "fails", "steps"]
    first = forms[0]["properties"]["input"]["$ref"].rpartition("/")[2]
    assert schemas[first]["properties"] == {"value": {"title": "Value", "type": "string"}}
    assert whole["servers"] == [{"url": "/"}]
