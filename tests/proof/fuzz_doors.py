"""What a fuzzed input is pushed through: the reducers, the config, a real client, the server."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from durably_server import Durably, create_durably_handler
from durably_server.http.routes import ROUTES
from durably_tui.client import DurablyClient
from durably_tui.config import load
from durably_tui.protocol import Decoder, DurablyError, Run, SseDecoder, Step
from durably_tui.shapes import event_json
from durably_tui.state import History, HistoryLimits, LogStore, RunsState
from durably_tui.state import job_run_reducer as one_run
from durably_tui.state.error_groups_book import Book
from durably_tui.state.error_groups_book import met as book_met
from durably_tui.state.error_groups_book import noted as book_noted
from durably_tui.state.error_groups_fold import grouped
from durably_tui.state.job_stats_records import Ledger
from durably_tui.state.job_stats_records import met as ledger_met
from durably_tui.state.job_stats_records import noted as ledger_noted
from durably_tui.state.observe import observe
from durably_tui.state.runs_reducer import answered, reduce
from durably_tui.text import TimeStyle, moment
from tests.proof.fuzz_meter import Meter
from tests.proof.fuzz_mutator import Mutator
from tests.proof.report import Trial

_LIMITS = HistoryLimits(runs=50, lines=40, events=60, steps=20)


class Doors:
    """Every pure function that server data goes through, one state each."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._taken = 0
        self._lost = 0
        self.begin()

    def begin(self) -> None:
        """From the beginning, as a monitor that was just opened."""
        self._decoder = Decoder()
        self._sse = SseDecoder()
        self._runs: RunsState = answered(RunsState(page_size=20), [], (), 1.0)
        self._history = History(limits=_LIMITS)
        self._book, self._ledger = Book(), Ledger()
        self._run = one_run.opened("r1")

    def frames(self, bad: Sequence[bytes], number: int) -> None:
        """Bad frames and a good one after them, which must be understood as if alone."""
        good = json.dumps({"type": "log:write", "runId": "r1", "message": f"good {number}"})
        whole = b"".join(each + b"\n\n" for each in bad) + b"data: " + good.encode() + b"\n\n"
        at = self._dice.randrange(len(whole) + 1)
        frames = self._sse.feed(whole[:at]) + self._sse.feed(whole[at:])
        events = self._decoder.events(frames)
        last = getattr(events[-1], "message", None) if events else None
        assert last == f"good {number}", f"the frame after it was lost: {events[-1:]}"
        self._taken += len(events)
        self._lost += len(frames) - len(events)
        now = 1_800_000_000.0 + number
        self._runs = reduce(self._runs, events, now)
        self._history = observe(self._history, events, now, 1)
        self._book = book_noted(self._book, events, now)
        self._ledger = ledger_noted(self._ledger, events, now)
        self._run = one_run.reduce(self._run, events, now, _LIMITS)
        assert len(self._runs.base) <= 20
        assert len(self._history.runs) <= _LIMITS.runs
        if number % 500 == 0:
            self._look()

    def _look(self) -> None:
        """What is worked out only where somebody looks."""
        grouped(self._book)
        for seen in self._history.runs.values():
            assert len(seen.logs) <= _LIMITS.lines
            _ = (seen.account, seen.steps, seen.status)
            lines = LogStore()
            lines.extend(seen.logs)
            for line in range(len(lines)):
                assert lines.entry(line).message == seen.logs[line].message
            for each in seen.events:
                event_json(each.event)
                moment(each.event.timestamp, TimeStyle.LOCAL, 1.8e9)
        _ = (self._run.logs, self._run.status, self._run.steps)

    def answer(self, reader: str, found: Any) -> None:
        """What was decoded of an answer; a page afterwards is exactly what was answered."""
        runs: Sequence[Run] = found if reader == "runs" else [found] if reader == "run" else ()
        if runs:
            self._runs = answered(self._runs, runs, (), 1.0)
            ids = {run.id for run in runs[: self._runs.page_size]}
            assert {run.id for run in self._runs.base} == ids
            self._book = book_met(self._book, runs, 1.0)
            self._ledger = ledger_met(self._ledger, runs, 1.0, limit=len(runs))
            self._run = one_run.answered(self._run, runs[0], None, (), 1.0)
        if reader == "steps":
            steps: Sequence[Step] = found
            self._run = one_run.answered(self._run, self._run.current, steps, (), 1.0)
        self._look()

    def figures(self) -> str:
        """How much of it was understood."""
        return f"{self._taken:,} events taken in, {self._lost:,} frames counted as malformed"


_CONFIG = b"""\
default_server = "prod"
theme = "nord"
density = "compact"
time_format = "utc"
columns = ["status", "job", "id"]

[[servers]]
name = "prod"
url = "https://jobs.example/api/durably"
token_env = "PROD_TOKEN"
headers = { "X-Team" = "ops" }
verify = true
read_only = true
production = true
color = "red"
generation = "0.15"

[[servers]]
name = "home"
url = "http://127.0.0.1:8080/api/durably"

[keys]
retry = "r"
cancel = ["c", "x"]

[filters]
night = "status:failed age:<12h"

[alerts]
bell = true
command = ["notify-send", "durably"]
"""


def config_is_read(trial: Trial, meter: Meter, count: int) -> str:
    """Any file is read; what is wrong with it is sentences of one line."""
    mutator = Mutator(trial.dice, [_CONFIG])
    path = trial.folder / "config.toml"

    def one() -> None:
        config = load(path, environ={})
        for problem in config.problems:
            assert "\n" not in problem.sentence, problem
            str(problem)

    for _ in range(count):
        bad = mutator.one()
        path.write_bytes(bad)
        meter.take(bad, one)
    return meter.figures()


async def client_meets(trial: Trial, count: int, bodies: Sequence[bytes]) -> str:
    """A real client asks a socket that answers with mutated HTTP: a value, or one of our errors."""
    head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b"
    kinds = [
        (b"200 OK", b"application/json"),
        (b"404 Not Found", b"text/plain"),
        (b"500 X", b"application/json"),
        (b"302 Found\r\nLocation: /x", b"text/html"),
    ]
    corpus = bodies[:40]
    whole = [head % (*kind, len(body), body) for kind in kinds for body in corpus]
    whole += [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
        % (len(body), body)
        for body in corpus
    ]
    mutator, by_body = Mutator(trial.dice, whole), Mutator(trial.dice, corpus)
    meter = Meter(trial, count)
    errors = 0
    answer = b""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(meet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/api/durably"
        client = DurablyClient(url, abilities="python", timeout=2)
        calls = [
            client.get_runs,
            lambda: client.get_run("r"),
            lambda: client.get_steps("r"),
            client.get_jobs,
            client.get_stats,
            lambda: client.retrigger("r"),
            lambda: client.cancel("r"),
            client.ping,
        ]
        for _ in range(count):
            if trial.dice.random() < 0.6:
                body = by_body.one()
                answer = head % (*kinds[0], len(body), body)
            else:
                answer = mutator.one()
            call = trial.dice.choice(calls)
            failed: Exception | None = None
            try:
                await call()  # type: ignore[operator]
            except DurablyError as error:
                errors += 1
                failed = None if str(error) and "\n" not in str(error) else error
            except Exception as error:
                failed = error
            meter.take(answer, lambda failed=failed: _raise(failed))  # type: ignore[misc]
        await client.aclose()
    figures = meter.figures()
    memory = figures.rpartition("memory")[2]
    return f"{count:,} answers over a socket, {errors:,} told as errors, memory{memory}"


def _raise(error: Exception | None) -> None:
    if error is not None:
        raise error


async def server_is_asked(trial: Trial, count: int) -> str:
    """Mutated requests to every route of our server: never a 5xx, and a refusal is a sentence."""
    durably = Durably(f"sqlite:///{trial.folder / 'fuzz.db'}", jobs=[], polling_interval=60)
    handler = create_durably_handler(durably, start_worker=False)
    query = Mutator(
        trial.dice,
        [
            b"runId=01M8104RXVSJPZTDN0R5GRKXM7",
            b"jobName=a&status=failed&limit=10&offset=2&label.env=prod&total=true",
            b"after=2026-11-22T06:47:20.763Z_01M8104RXVSJPZTDN0R5GRKXM7&createdAfter=2026-01-01",
            b"search=x&createdBefore=2026-01-01T00:00:00Z&level=warn&window=1h&events=run:fail",
        ],
    )
    body = Mutator(
        trial.dice,
        [
            b'{"jobName":"echo","input":{"value":"x"},"labels":{"env":"prod"},'
            b'"idempotencyKey":"a","concurrencyKey":"b","coalesce":"skip"}'
        ],
    )
    routes = [route for route in ROUTES if "subscribe" not in route.name]
    meter = Meter(trial, count)
    statuses: dict[int, int] = {}
    for _ in range(count):
        route = trial.dice.choice(routes)
        raw = query.one()
        if trial.dice.random() < 0.5:
            raw = quote(raw, safe="=&.").encode()
        raw = raw.translate(None, b"\r\n")
        content = body.one() if route.method == "POST" else b""
        status, said, problem = 0, b"", None
        try:
            status, said = await _asked(handler, route.method, route.path, raw, content)
            assert status < 500, f"{route.method} {route.path}: {status} {said[:200]!r}"
            if status >= 400 and said != b"Not Found":
                error = json.loads(said)["error"]
                assert isinstance(error, str)
                assert error
        except Exception as failure:
            problem = failure
        meter.take((route.path, raw, content), lambda problem=problem: _raise(problem))  # type: ignore[misc]
        statuses[status] = statuses.get(status, 0) + 1
    handler.hub.close()
    await durably.stop()
    told = ", ".join(f"{number:,} x {status}" for status, number in sorted(statuses.items()))
    figures = meter.figures()
    return f"{count:,} requests: {told}; memory{figures.rpartition('memory')[2]}"


async def _asked(
    handler: Any, method: str, path: str, query: bytes, body: bytes
) -> tuple[int, bytes]:
    scope = {
        "type": "http", "method": method, "path": path or "/", "raw_path": path.encode(),
        "query_string": query, "headers": [(b"host", b"127.0.0.1")], "root_path": "",
        "http_version": "1.1", "scheme": "http", "client": ("127.0.0.1", 1), "server": None,
    }  # fmt: skip
    sent: list[dict[str, Any]] = []
    given = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return given.pop(0) if given else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await handler(scope, receive, send)
    said = b"".join(message.get("body", b"") for message in sent[1:])
    return int(sent[0]["status"]), said
