"""One story that is told to any server with the Node server's jobs: every route, every event.

The server runs one run at a time, so a `ledger` run that waits for a file keeps all others
pending: nothing here depends on who is faster.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from support.scenario_requests import (
    BAD_BODIES,
    BAD_CONTENTS,
    GOOD,
    LISTS,
    LIVES,
    PAGES,
    PROD,
    PROD_OPS,
    STRANGE_METHODS,
    STRANGE_PATHS,
)
from support.witness import PATIENCE, Event, Stream, Witness

NOBODY = "01H00000000000000000000000"


def _ends(events: list[Event], run_id: str) -> bool:
    return (events[-1]["type"], events[-1]["runId"]) == ("run:complete", run_id)


class Scenario:
    """The story, in the order in which its parts are told."""

    def __init__(self, http: httpx.AsyncClient, folder: Path) -> None:
        self.witness = Witness(http, folder)
        folder.mkdir()
        self._folder = folder
        self._all: Stream

    async def tell(self) -> Witness:
        """All of it; what was seen is in the witness."""
        async with contextlib.AsyncExitStack() as open_streams:
            stream = self.witness.stream
            self._all = await open_streams.enter_async_context(stream("all", "/runs/subscribe"))
            telling = []
            for name, query in LISTS.items():
                telling.append(
                    await open_streams.enter_async_context(
                        stream(f"runs of {name}", f"/runs/subscribe?{query}")
                    )
                )
            await self._nothing_yet()
            await self._strange_requests()
            await self._bad_triggers()
            await self._lives()
            await self._pages()
            await self._dispositions()
            await self._actions_on_pending()
            await self._actions_on_leased()
            await self._actions_on_ended()
            # A stream tells everything in order: what came before its last run has come.
            last = await self.witness.trigger("last", "echo", {"value": "end"}, labels=PROD_OPS)
            await self._saw("run:complete", last)
            for listening in telling:
                if listening.events:
                    await listening.until("its last event", lambda events: _ends(events, last))
        await self._steps_at_the_end()
        return self.witness

    # --- helpers ---

    async def _saw(self, event_type: str, run_id: str) -> None:
        def there(events: list[Event]) -> bool:
            return any(e["type"] == event_type and e["runId"] == run_id for e in events)

        name = next((name for name, each in self.witness.ids.items() if each == run_id), run_id)
        await self._all.until(f"{event_type} of {name}", there)

    async def _saw_step(self, run_id: str, step: str) -> None:
        def there(events: list[Event]) -> bool:
            return any(
                (e["type"], e["runId"], e.get("stepName")) == ("step:start", run_id, step)
                for e in events
            )

        await self._all.until(f"step:start of {step}", there)

    @contextlib.asynccontextmanager
    async def _busy(self, name: str) -> AsyncIterator[str]:
        """The server's one place is taken, so every other run stays pending."""
        until = self._folder / f"{name}.go"
        gate = {
            "file": str(self._folder / f"{name}.ledger"),
            "count": 2,
            "holdAt": 1,
            "until": str(until),
        }
        # The paths are of one server alone, so this trigger is not written down.
        run_id = await self.witness.trigger(name, "ledger", gate, labels={"gate": name})
        await self._saw_step(run_id, "row-1")
        # A Node server stores progress when it finds the time.
        deadline = time.monotonic() + PATIENCE
        while (await self.witness.send("GET", f"/run?runId={run_id}"))["progress"] != {
            "current": 1,
            "total": 2,
        }:
            assert time.monotonic() < deadline, "the progress was never stored"
            await asyncio.sleep(0.01)
        try:
            yield run_id
        finally:
            until.touch()
        await self.witness.send("GET", f"/run?runId={run_id}")

    async def _act(self, name: str, method: str, path: str, run: str) -> None:
        """An action on a run, by its name."""
        found = self.witness.ids.get(run, run)
        await self.witness.ask(f"{name} {run}", method, f"{path}?runId={found}")

    # --- the story ---

    async def _nothing_yet(self) -> None:
        ask = self.witness.ask
        await ask("runs of an empty server", "GET", "/runs")
        for method, path in (
            ("GET", "/run"),
            ("GET", "/steps"),
            ("GET", "/subscribe"),
            ("POST", "/retrigger"),
            ("POST", "/cancel"),
            ("DELETE", "/run"),
        ):
            await ask(f"{method} {path} without id", method, path)
            await ask(f"{method} {path} with an empty id", method, f"{path}?runId=")
            await ask(f"{method} {path} of nobody", method, f"{path}?runId={NOBODY}")
            await ask(f"{method} {path} of a strange id", method, f"{path}?runId=%27%22%00%F0")
            await ask(f"{method} {path} of a long id", method, f"{path}?runId={'x' * 4000}")
            await ask(f"{method} {path} of two ids", method, f"{path}?runId={NOBODY}&runId=2")

    async def _strange_requests(self) -> None:
        ask = self.witness.ask
        for path in STRANGE_PATHS:
            await ask(f"GET {path or 'the base'}", "GET", path)
        for path in ("/jobs", "/logs", "/stats", "/health", "/metrics", "/openapi.json"):
            await ask(f"GET {path}", "GET", path)
        for method, path in STRANGE_METHODS:
            await ask(f"{method} {path}", method, path)

    async def _bad_triggers(self) -> None:
        ask = self.witness.ask
        for name, content in BAD_CONTENTS.items():
            await ask(f"trigger with {name}", "POST", "/trigger", content=content)
        for name, body in BAD_BODIES.items():
            await ask(f"trigger with {name}", "POST", "/trigger", body=body)
        await ask("runs after bad triggers", "GET", "/runs")
        # What a server took although it was bad must not stand in the lists of the rest.
        for run in await self.witness.send("GET", "/runs"):
            self.witness.leave_out(run["id"])
            await self._saw("run:complete", run["id"])
            await self.witness.send("DELETE", f"/run?runId={run['id']}")

    async def _lives(self) -> None:
        """Runs from their trigger to their end, each watched from the start by a stream."""
        async with contextlib.AsyncExitStack() as stack:
            streams = []
            async with self._busy("busy for lives"):
                for name, (job_name, input, labels) in LIVES.items():
                    run_id = await self.witness.trigger(name, job_name, input, labels=labels)
                    streams.append(
                        await stack.enter_async_context(
                            self.witness.stream(f"life of {name}", f"/subscribe?runId={run_id}")
                        )
                    )
                    await self._act("pending", "GET", "/run", name)
                    await self._act("steps of pending", "GET", "/steps", name)
            for stream in streams:
                await stream.until_end()
        for name in LIVES:
            await self._act("ended", "GET", "/run", name)
            async with self.witness.stream(
                f"ended {name}", f"/subscribe?runId={self.witness.ids[name]}"
            ) as replayed:
                await replayed.until_end()

    async def _pages(self) -> None:
        for query in PAGES:
            await self.witness.ask(f"runs ?{query[:60]}", "GET", f"/runs?{query}")

    async def _dispositions(self) -> None:
        trigger, ask = self.witness.trigger, self.witness.ask
        async with self._busy("busy for dispositions"):
            await trigger("first", "echo", {"value": "1"}, idempotencyKey="i", labels=PROD)
            await trigger("first again", "echo", {"value": "2"}, idempotencyKey="i")
            assert self.witness.ids["first"] == self.witness.ids["first again"]
            await trigger("first elsewhere", "quiet", {}, idempotencyKey="i")
            await trigger("keyed", "echo", {"value": "3"}, concurrencyKey="c", labels=PROD_OPS)
            await ask("conflict", "POST", "/trigger", body=GOOD | {"concurrencyKey": "c"})
            await trigger(
                *("coalesced", "echo", {"value": "4", "more": 1}),
                concurrencyKey="c",
                coalesce="skip",
                labels={"env": "dev"},
            )
            await trigger(
                "coalesced bare", "echo", {"value": "5"}, concurrencyKey="c", coalesce="skip"
            )
            await trigger("keyed elsewhere", "quiet", {}, concurrencyKey="c")
            await trigger(
                "coalesce first", "echo", {"value": "6"}, concurrencyKey="d", coalesce="skip"
            )
            await trigger(
                "both keys", "echo", {"value": "7"}, concurrencyKey="e", idempotencyKey="e"
            )
            await trigger(
                *("both keys again", "echo", {"value": "8"}),
                concurrencyKey="e",
                idempotencyKey="e",
                coalesce="skip",
            )
            await trigger(
                "empty keys", "echo", {"value": "9"}, concurrencyKey="", idempotencyKey=""
            )
            await trigger("null keys", "quiet", {}, concurrencyKey=None, labels=None)
            await ask("runs while some wait", "GET", "/runs?status=pending")
        await self._saw("run:complete", self.witness.ids["null keys"])
        await trigger("first after its end", "echo", {"value": "10"}, idempotencyKey="i")
        await trigger("keyed after its end", "echo", {"value": "11"}, concurrencyKey="c")
        await self._saw("run:complete", self.witness.ids["keyed after its end"])
        await self._act("ended", "GET", "/run", "first")

    async def _actions_on_pending(self) -> None:
        async with self._busy("busy for pending"):
            run_id = await self.witness.trigger("waits", "steps", {"count": 2}, labels=PROD)
            await self.witness.trigger("waits keyed", "quiet", {}, concurrencyKey="p")
            async with self.witness.stream(
                "cancelled while pending", f"/subscribe?runId={run_id}"
            ) as seen:
                await self._act("delete pending", "DELETE", "/run", "waits")
                await self._act("retrigger pending", "POST", "/retrigger", "waits")
                await self._act("cancel pending", "POST", "/cancel", "waits")
                await seen.until_end()
            await self._act("cancelled", "GET", "/run", "waits")
            await self._act("cancel cancelled", "POST", "/cancel", "waits")
            await self._again("again", "waits")
            await self._act("cancel pending", "POST", "/cancel", "waits keyed")
            await self._again("keyed again", "waits keyed")
            await self._act("retrigger of a key that waits", "POST", "/retrigger", "waits keyed")
            async with self.witness.stream(
                "a cancelled run", f"/subscribe?runId={run_id}"
            ) as replayed:
                await replayed.until_end()
            await self._act("delete cancelled", "DELETE", "/run", "waits")
            await self._act("deleted", "GET", "/run", "waits")
            await self._act("steps of deleted", "GET", "/steps", "waits")
            await self._act("subscribe to deleted", "GET", "/subscribe", "waits")
            await self._act("delete deleted", "DELETE", "/run", "waits")
            await self._act("cancel deleted", "POST", "/cancel", "waits")
            await self._act("retrigger deleted", "POST", "/retrigger", "waits")
        await self._saw("run:complete", self.witness.ids["keyed again"])
        await self._act("ended", "GET", "/run", "again")

    async def _again(self, name: str, of: str) -> None:
        answer = await self.witness.ask(
            f"retrigger {of}", "POST", f"/retrigger?runId={self.witness.ids[of]}"
        )
        self.witness.call(name, answer["runId"])

    async def _actions_on_leased(self) -> None:
        async with self._busy("leased") as run_id:
            path = f"/subscribe?runId={run_id}"
            await self._act("leased", "GET", "/run", "leased")
            await self._act("steps of leased", "GET", "/steps", "leased")
            await self._act("delete leased", "DELETE", "/run", "leased")
            await self._act("retrigger leased", "POST", "/retrigger", "leased")
            await self.witness.ask("runs that are leased", "GET", "/runs?status=leased")
            async with self.witness.stream("joined midway", path) as midway:
                await midway.until("its progress", lambda events: len(events) >= 2)
                async with self.witness.stream("joined midway as well", path) as second:
                    await second.until("its progress", lambda events: len(events) >= 2)
                    await self._act("cancel leased", "POST", "/cancel", "leased")
                    await midway.until_end()
                    await second.until_end()
            await self._saw("step:cancel", run_id)
            await self._act("cancelled", "GET", "/run", "leased")
        async with self._busy("completes"):
            path = f"/subscribe?runId={self.witness.ids['completes']}"
            async with self.witness.stream("joined and seen to its end", path) as midway:
                await midway.until("its progress", lambda events: len(events) >= 2)
                (self._folder / "completes.go").touch()
                await midway.until_end()
        await self._act("steps of cancelled", "GET", "/steps", "leased")

    async def _actions_on_ended(self) -> None:
        for name in ("echo", "fails", "leased"):
            await self._act("cancel ended", "POST", "/cancel", name)
            await self._again(f"{name} again", name)
            if name == "leased":
                # Its file is there by now, so this time it is not held.
                await self._saw("run:complete", self.witness.ids["leased again"])
            else:
                ended = "run:fail" if name == "fails" else "run:complete"
                await self._saw(ended, self.witness.ids[f"{name} again"])
            await self._act("ended", "GET", "/run", f"{name} again")
            await self._act("steps before delete", "GET", "/steps", f"{name} again")
            await self._act("delete ended", "DELETE", "/run", name)
            await self._act("deleted", "GET", "/run", name)
            await self._act("subscribe to deleted", "GET", "/subscribe", name)
        await self.witness.ask("runs at the end", "GET", "/runs")

    async def _steps_at_the_end(self) -> None:
        for name in ("steps", "fails again", "recovers", "quiet", "twice", "completes", "last"):
            await self._act("steps", "GET", "/steps", name)
