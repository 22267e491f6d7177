"""Five jobs with different characters: rows, pages without an end, failures, noise, and length."""

import asyncio
import random
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from durably_server.demo.customers import read_customers, write_customers
from durably_server.engine.jobs import JobDefinition, job
from durably_server.engine.step import Step


class ImportCsv(BaseModel):
    """Which customer file to import."""

    file: str = Field(pattern=r"^[\w-]+\.csv$")
    rows: int = Field(ge=1, le=500)
    seed: int = 1


class Imported(BaseModel):
    """What became of its rows."""

    imported: int
    skipped: int
    seats: int


class SyncOrders(BaseModel):
    """From which shop to fetch orders."""

    shop: str
    since: str
    pages: int = Field(default=24, ge=1, le=500)


class Synced(BaseModel):
    """How many orders there were."""

    orders: int
    updated: int


class RenderReport(BaseModel):
    """Which report to render, and where."""

    report: str
    month: str
    renderer: str = "pool-a"


class Rendered(BaseModel):
    """Where the report went."""

    url: str
    pages: int


class DeliverWebhooks(BaseModel):
    """Which event to deliver to how many endpoints."""

    event: str
    endpoints: int = Field(default=30, ge=1, le=500)


class Delivered(BaseModel):
    """How the deliveries went."""

    delivered: int
    retried: int
    given_up: int


class BackUp(BaseModel):
    """Which database to back up."""

    database: str
    tables: int = Field(default=40, ge=1, le=200)


class BackedUp(BaseModel):
    """Where the backup is."""

    snapshot: str
    bytes: int


class RendererGoneError(Exception):
    """The render pool hung up."""


def demo_jobs(folder: Path) -> list[JobDefinition[Any, Any]]:
    """The jobs; files are made in ``folder``."""
    return [
        _import_csv(folder),
        sync_orders,
        render_report,
        deliver_webhooks,
        back_up_database,
    ]


def _import_csv(folder: Path) -> JobDefinition[ImportCsv, Imported]:
    @job("import-csv")
    async def import_csv(step: Step, input: ImportCsv) -> Imported:
        """Import a customer file row by row; bad rows are skipped."""
        path = folder / input.file

        def fetch() -> int:
            return write_customers(path, input.rows, input.seed)

        def parse() -> list[dict[str, Any]]:
            if not path.exists():  # the folder went with the process that fetched it
                fetch()
            return read_customers(path)

        size = await step.run("fetch", fetch)
        step.log.info(f"fetched {input.file}", {"bytes": size, "from": "sftp://imports.example"})
        rows = await step.run("parse", parse)
        step.log.info(f"parsed {len(rows)} rows", {"columns": list(rows[0])})
        chance = random.Random(input.seed)
        imported = skipped = seats = 0
        for number, row in enumerate(rows, 1):
            pause = chance.uniform(0.04, 0.16)

            async def store(pause: float = pause) -> None:
                await asyncio.sleep(pause)

            await step.run(f"row-{number}", store)
            if not row["email"]:
                skipped += 1
                step.log.warn(f"row {number} has no email, skipped", {"customer": row["customer"]})
            else:
                imported += 1
                seats += int(row["seats"])
                if not row["name"]:
                    step.log.warn(f"row {number} has no name, kept as unknown")
                elif number % 10 == 0:
                    step.log.info(f"stored row {number}: {row['name']}", {"plan": row["plan"]})
            step.progress(number, len(rows), f"row {number}: {row['name'] or 'unknown'}")
        step.log.info(f"{input.file} is imported", {"imported": imported, "skipped": skipped})
        return Imported(imported=imported, skipped=skipped, seats=seats)

    return import_csv


@job("sync-orders")
async def sync_orders(step: Step, input: SyncOrders) -> Synced:
    """Fetch order pages until the shop says that there are no more."""
    chance = random.Random(f"{input.shop} {input.since}")
    step.log.info(f"syncing {input.shop} since {input.since}")
    orders = updated = 0
    for page in range(1, input.pages + 1):
        size = chance.randint(60, 250)
        pause = chance.uniform(0.15, 0.5)

        async def pull(size: int = size, pause: float = pause) -> dict[str, int]:
            await asyncio.sleep(pause)
            return {"orders": size, "updated": size // 7}

        found = await step.run(f"pull-page-{page}", pull)
        orders += found["orders"]
        updated += found["updated"]
        step.progress(orders, None, f"page {page}: {orders:,} orders so far")
        if page % 5 == 0:
            step.log.info(f"page {page} done", {"orders": orders, "cursor": f"c{orders:06d}"})
        if pause > 0.47:
            step.log.warn(f"{input.shop} answered slowly", {"page": page, "ms": int(pause * 1000)})
    return Synced(orders=orders, updated=updated)


@job("render-report")
async def render_report(step: Step, input: RenderReport) -> Rendered:
    """Render a report; the renderers of pool-b hang up on the first attempt."""
    sections = ("revenue", "churn", "usage", "support", "summary")
    unlucky = sections[len(input.report) % 3]
    pages = 0
    for number, section in enumerate(sections, 1):

        async def render(section: str = section) -> int:
            await asyncio.sleep(0.35 + len(section) / 12)
            if input.renderer == "pool-b" and section == unlucky and step.attempt == 1:
                step.log.error(
                    f"{input.renderer} hung up",
                    {"host": "render-b2.internal:9400", "after_ms": 870},
                )
                raise RendererGoneError(
                    f"renderer pool-b closed the connection while drawing '{section}'"
                    f" of {input.report} {input.month}"
                )
            return 2 + len(section) % 4

        step.log.info(f"rendering {section}", {"renderer": input.renderer})
        pages += await step.run(f"render-{section}", render)
        step.progress(number, len(sections), f"{section} rendered")
    return Rendered(url=f"https://reports.example/{input.report}/{input.month}.pdf", pages=pages)


@job("deliver-webhooks")
async def deliver_webhooks(step: Step, input: DeliverWebhooks) -> Delivered:
    """Deliver one event to many endpoints, and say a lot about it."""
    chance = random.Random(f"{input.event} {step.run_id}")
    delivered = retried = given_up = 0
    for number in range(1, input.endpoints + 1):
        host = f"hooks.customer-{chance.randint(100, 999)}.example"

        async def deliver(pause: float = chance.uniform(0.08, 0.35)) -> int:
            await asyncio.sleep(pause)
            return chance.choices((200, 202, 429, 503), (70, 15, 10, 5))[0]

        step.log.info(f"POST https://{host}/events", {"event": input.event, "try": 1})
        status = await step.run(f"deliver-{number}", deliver)
        if status == 429:
            retried += 1
            step.log.warn(f"{host} answered 429, tried again", {"retry_after_s": 1})
        if status == 503:
            given_up += 1
            step.log.error(
                f"{host} is unavailable, given up",
                {"status": 503, "event": input.event, "endpoint": {"host": host, "tries": 3}},
            )
        else:
            delivered += 1
            step.log.info(f"{host} accepted", {"status": 200 if status == 429 else status})
        step.progress(number, input.endpoints, f"{delivered} delivered, {given_up} given up")
    return Delivered(delivered=delivered, retried=retried, given_up=given_up)


@job("back-up-database")
async def back_up_database(step: Step, input: BackUp) -> BackedUp:
    """Copy a database table by table, then check the copy."""
    chance = random.Random(input.database)
    total = 0
    for number in range(1, input.tables + 1):
        size = chance.randint(2, 900)

        async def copy(size: int = size) -> int:
            await asyncio.sleep(0.15 + size / 2500)
            return size * 1_000_000

        total += await step.run(f"copy-table-{number:02d}", copy)
        step.progress(number, input.tables + 1, f"table {number} of {input.tables}")
        if size > 700:
            step.log.info(f"table {number} is large", {"megabytes": size})

    async def verify() -> str:
        await asyncio.sleep(0.8)
        return f"snap-{input.database}-{total % 99991:05d}"

    snapshot = await step.run("verify-checksums", verify)
    step.progress(input.tables + 1, input.tables + 1, "checksums match")
    step.log.info(f"snapshot {snapshot} is complete", {"bytes": total})
    return BackedUp(snapshot=snapshot, bytes=total)
