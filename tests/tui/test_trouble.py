"""Servers that are none, and a monitor that fails: one sentence, and a screen that stays usable."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from support.bad_servers import (
    BadServer,
    closed_port,
    html_502,
    html_page,
    not_found_text,
    other_api,
    plain_http,
    self_signed_tls,
    silent,
    unauthorized_json,
    unauthorized_text,
)
from support.monitor import monitor
from support.workshop import Workshop, workshop

from durably_tui import logfile
from durably_tui.client import Pace
from durably_tui.tui.screens.run import RunScreen
from durably_tui.tui.screens.runs import RunsScreen

QUICK = Pace(first_delay=0.05, max_delay=0.1)

Bad = Callable[[], AbstractAsyncContextManager[BadServer]]


@pytest.mark.parametrize(
    ("bad", "scheme", "sentences"),
    [
        (unauthorized_json, "http", ("answered 401", "give a token (as DURABLY_TOKEN) or headers")),
        (unauthorized_text, "http", ("answered 401", "give a token (as DURABLY_TOKEN) or headers")),
        (not_found_text, "http", ("answered 404", "check host, port and base path")),
        (html_page, "http", ("a web page titled “Sign in”", "a login page stands in between")),
        (html_502, "http", ("answered 502", "a web page titled “502 Bad Gateway”")),
        (other_api, "http", ("answered 200", "check host, port and base path")),
        (self_signed_tls, "https", ("a certificate that is not trusted", "give the CA")),
        (plain_http, "https", ("does not speak TLS", "try http://")),
    ],
)
async def test_what_is_no_durably_server_is_told_in_a_sentence_and_tried_again(
    bad: Bad, scheme: str, sentences: tuple[str, ...]
) -> None:
    async with bad() as server:
        url = server.https_url if scheme == "https" else server.url
        # Cut off in the middle of a TLS handshake, httpcore leaves its socket to the garbage
        # collector: there is to be none under way at the end.
        pace = QUICK if scheme == "http" else Pace(first_delay=1.5, max_delay=1.5)
        async with monitor(url, size=(220, 24), pace=pace) as shown:
            await shown.shows(*sentences)
            trouble = [line for line in shown.lines if all(each in line for each in sentences)]
            assert len(trouble) == 1, "one sentence"
            assert url in trouble[0], "what was tried"
            assert "● live" not in shown.text
            assert "not live" in shown.text
            assert "No runs yet" not in shown.text, "nobody knows"
            feed = shown.runs.session.hooks.feed
            tried = feed.connection.attempt
            await shown.press("question_mark", "escape")
            await shown.front(RunsScreen)
            await shown.until(lambda: feed.connection.attempt > tried, "another attempt")


async def test_a_server_that_comes_later_is_found_without_a_key(tmp_path: Path) -> None:
    with closed_port() as nobody:
        url, port = nobody.url, nobody.port
    async with monitor(url, size=(200, 30), pace=QUICK) as shown:
        await shown.shows("was refused, nothing listens there", "start the server")
        async with workshop(tmp_path, port=port) as shop:
            run_id = await shop.done("quick")
            await shown.shows("● live", "✔ completed")
            await shown.hides("was refused")
            assert shown.ids == [run_id]


async def test_a_server_that_hangs_keeps_the_skeleton_and_the_keys() -> None:
    async with silent() as server, monitor(server.url) as shown:
        await shown.shows("connecting")
        await shown.press("question_mark")
        await shown.shows("Keys · Runs")
        await shown.press("escape", "q")
        await shown.until(lambda: shown.app._exit, "the end")


async def test_old_rows_stay_when_the_server_goes_and_say_that_they_are_old(
    tmp_path: Path,
) -> None:
    async with AsyncExitStack() as server:
        shop = await server.enter_async_context(workshop(tmp_path))
        run_id = await shop.done("quick")
        async with monitor(shop.url, pace=QUICK) as shown:
            await shown.shows("● live", "✔ completed")
            await server.aclose()
            await shown.shows("reconnecting", "not live", "✔ completed")
            await shown.press("ctrl+r")
            await shown.shows("nothing listens there")
            assert shown.ids == [run_id]
            await shown.on(run_id)
            await shown.press("R")
            await shown.says("nothing listens there")
            async with workshop(tmp_path, port=int(shop.url.split(":")[2].split("/")[0])) as again:
                second = await again.done("quick")
                await shown.shows("● live", "page 1 · live")
                await shown.until(lambda: shown.ids == [second, run_id], "both rows")


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The log file of this test; the logging of the process is put back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    path = tmp_path / "monitor.log"
    monkeypatch.setenv("DURABLY_LOG", str(path))
    logfile.start()
    yield path
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.level = handlers, level


class Broken(Exception):
    """A fault of the monitor that nobody foresaw."""


async def test_a_crash_leaves_one_sentence_and_a_log_without_secrets(
    shop: Workshop,
    log: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: Any) -> None:
        token = "Authorization: Bearer hunter2secret at https://ada:hunter2@prod/"
        raise Broken(token)

    async def crash() -> None:
        async with monitor(shop.url, token="hunter2secret") as shown:
            await shown.shows("✔ completed")
            monkeypatch.setattr(RunScreen, "paint", fail)
            await shown.press("enter")
            await shown.until(lambda: shown.app.return_code == 1, "the end")

    await shop.done("quick")
    with pytest.raises(Broken):
        await crash()
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith("durably-tui failed unexpectedly: please report it with")
    assert "Traceback" not in said
    logged = read(log)
    assert "the monitor failed" in logged
    assert "Broken" in logged
    assert re.search(r'File ".*live\.py", line \d+', logged)
    assert "hunter2" not in logged


def test_the_log_is_for_its_owner_only(log: Path) -> None:
    logging.getLogger("durably_tui").error("it failed")
    assert log.stat().st_mode & 0o077 == 0
    assert "it failed" in read(log)


def read(log: Path) -> str:
    return log.read_text()


@pytest.mark.parametrize(
    "secret",
    [
        "Authorization: Bearer {}",
        "authorization: {}",
        "'authorization': 'Basic {}'",
        '"token": "{}"',
        "token={}",
        "DURABLY_TOKEN={}",
        "https://ada:{}@jobs.example/api/durably",
        "GET https://ada:{}@jobs.example answered 401",
        "headers {{'Authorization': 'Bearer {}', 'x': 'y'}}",
    ],
)
def test_the_log_blots_out_credentials(log: Path, secret: str) -> None:
    text = secret.format("hunter2")
    logging.getLogger("durably_tui").error("it said %s", text)
    try:
        raise Broken(text)
    except Broken:
        logging.getLogger("durably_tui").exception("it failed")
    assert "hunter2" not in log.read_text()
    assert "it failed" in log.read_text()
