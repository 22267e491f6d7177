"""Every store keeps log lines and counts alike."""

from typing import Any

from support.store_rows import T0, T1, T2, T3, leased, new_log, new_run

from durably_server.engine.clock import iso
from durably_server.engine.codec import encode_text
from durably_server.engine.model import LogFilter
from durably_server.engine.store import Store


async def test_progress_and_logs_are_kept_and_logs_are_bounded(store: Store) -> None:
    run = await leased(store)
    assert await store.update_progress(run.id, 1, progress='{"current":3}', now=T1)
    found = await store.get_run(run.id)
    assert found is not None
    assert found.progress == {"current": 3}
    await store.append_logs(run.id, 1, [new_log(str(n)) for n in range(4)], keep=3)
    await store.append_logs(run.id, 1, [new_log("4")], keep=3)
    logs = await store.get_logs(LogFilter(run_id=run.id))
    assert [log.message for log in logs] == ["2", "3", "4"]
    assert logs[0].data == {"a": [1]}
    assert [log.message for log in await store.get_logs(LogFilter(run_id=run.id, limit=2))] == [
        "3",
        "4",
    ]


async def test_a_line_of_any_characters_is_kept_whole(store: Store) -> None:
    run = await leased(store)
    lines = [
        new_log(text, step_name=text, data=encode_text([text]))
        for text in ("plain", "a\0b", "\0", "\\u0000", "\x1b[31m\u202e\r\n", "")
    ]
    assert await store.append_logs(run.id, 1, lines[:1], keep=None)
    assert await store.append_logs(run.id, 1, lines[1:], keep=None)
    read = await store.get_logs(LogFilter(run_id=run.id))
    assert [(log.message, log.step_name, log.data) for log in read] == [
        (line.message, line.message, [line.message]) for line in lines
    ]


async def test_logs_of_all_runs_are_read_forwards_and_backwards(store: Store) -> None:
    a = await leased(store, job_name="a")
    b = await leased(store, job_name="b")
    lines = [
        (run, new_log(str(n), level=("info", "warn", "error")[n % 3]))
        for n, run in enumerate([a, b] * 4)
    ]
    for run, line in lines:
        assert await store.append_logs(run.id, 1, [line], keep=10)

    async def read(**where: Any) -> str:
        return "".join(log.message for log in await store.get_logs(LogFilter(**where)))

    assert await read() == "01234567"
    assert await read(run_id=a.id) == "0246"
    assert await read(job_names=["b", "x"]) == "1357"
    assert await read(levels=["error"]) == "25"
    assert await read(levels=["warn", "error"], job_names=["a"]) == "24"
    assert await read(levels=["info", "warn"], limit=3) == "467"
    third = lines[3][1].id
    assert await read(after=third) == "4567"
    assert await read(after=third, limit=2, newest=False) == "45"
    assert await read(before=third) == "012"
    assert await read(before=third, limit=2) == "12"
    assert await read(run_id=b.id, after=third, before=lines[7][1].id) == "5"
    assert await read(limit=0) == ""
    (first,) = await store.get_logs(LogFilter(limit=1, newest=False))
    assert (first.run_id, first.job_name, first.data) == (a.id, "a", {"a": [1]})


async def test_logs_of_a_job_are_those_of_its_runs_that_are_there(store: Store) -> None:
    made = [await leased(store, job_name=name) for name in "aab"]
    for n in range(8):
        await store.append_logs(made[n % 3].id, 1, [new_log(str(n))], keep=None)
    await store.append_logs(made[0].id, 1, [new_log("8", level="error")], keep=2)

    async def read(**where: Any) -> str:
        logs = await store.get_logs(LogFilter(job_names=["a", "a"], **where))
        return "".join(log.message for log in logs)

    assert await read() == "14678"
    assert await read(limit=2) == "78"
    assert await read(limit=2, newest=False) == "14"
    assert await read(levels=["error", "info"], limit=3) == "678"
    for run in made[:2]:
        await store.complete_run(run.id, 1, output="1", now=T2, keep_steps=True)
    assert await store.delete_run(made[0].id)
    assert await read() == "147"
    assert await store.purge_runs(completed_before=T3, limit=5) == [made[1].id]
    assert await read() == ""
    assert [log.message for log in await store.get_logs(LogFilter(job_names=["b"]))] == ["2", "5"]


async def test_stats_count_by_status_and_tell_durations(store: Store) -> None:
    assert await store.get_stats(since=T0) == []
    for seconds in (1, 2, 3, 10):
        run = await leased(store, job_name="a")
        ended = iso(1_800_000_010_000 + seconds * 1000)
        await store.complete_run(run.id, 1, output="1", now=ended, keep_steps=True)
    run = await leased(store, job_name="a")
    await store.fail_run(run.id, 1, error="no", now=T3, keep_steps=True)
    await store.enqueue(new_run(job_name="a", created_at=T2))
    await store.enqueue(cancelled := new_run(job_name="b"))
    await store.cancel_run(cancelled.id, now=T3, keep_steps=True)
    a, b = await store.get_stats(since=T1)
    assert (a.job_name, b.job_name) == ("a", "b")
    assert a.counts == {"pending": 1, "leased": 0, "completed": 4, "failed": 1, "cancelled": 0}
    assert (a.started, a.completed, a.failed, a.cancelled) == (5, 4, 1, 0)
    assert (a.p50_ms, a.p95_ms, a.last_run_at) == (2000, 10_000, T2)
    assert (b.started, b.cancelled, b.p50_ms) == (0, 1, None)
    later, _ = await store.get_stats(since=T3)
    assert (later.started, later.completed, later.failed) == (0, 0, 1)
    assert later.counts == a.counts
    assert await store.retry_run(run.id, now=T3)
    assert await store.delete_run(cancelled.id)
    (left,) = await store.get_stats(since=T1)
    assert (left.counts["pending"], left.counts["failed"]) == (2, 0)
