"""``JobRun`` and ``JobLogs``: one run from two streams and the server's answers."""

from __future__ import annotations

import pytest
from support.fake_port import FakePort
from support.manual_clock import ManualClock, settle

from durably_tui.protocol import Conflict, Phase, Progress, RunStatus, StepStatus
from durably_tui.state import DurablyHooks, HistoryLimits, create_durably_client


def lines(logs: object) -> list[str]:
    return [line.message for line in logs]  # type: ignore[attr-defined]


async def test_a_run_is_followed_from_pending_to_its_output(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made(input={"n": 1})
    told: list[str] = []
    run = hooks.job("job").use_run(
        run_id,
        on_start=lambda: told.append("start"),
        on_complete=lambda: told.append("complete"),
        on_fail=lambda: told.append("fail"),
    )
    assert run.is_pending
    assert run.run is None
    async with run:
        await settle()
        assert run.run is not None
        assert run.run.input == {"n": 1}
        port.started(run_id)
        port.step_started(run_id, "a", 0)
        await settle()
        assert run.is_running
        assert run.is_leased
        assert run.is_active
        assert run.state is not None
        assert run.state.step_name == "a"
        assert run.steps[0].status is StepStatus.RUNNING
        port.logged(run_id, "hello")
        port.progressed(run_id, 1, 2)
        port.stepped(run_id, "a", 0, output=41)
        await settle()
        assert lines(run.logs) == ["hello"]
        assert run.progress == Progress(1, 2)
        assert run.steps[0].output == 41
        port.completed(run_id, {"count": 2})
        await clock.advance(1)
        assert run.is_completed
        assert run.is_terminal
        assert run.output == {"count": 2}
        assert run.run.completed_at is not None
        assert run.state.settled
        assert run.connection.phase is Phase.ENDED
        assert [step.name for step in run.steps] == ["a"], "the server has thrown it away"
        assert run.steps[0].started_at is not None
    assert told == ["start", "complete"]
    assert port.requests["subscribe"] == 1


async def test_a_failed_run_says_why(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    failures: list[bool] = []
    async with hooks.job("job").use_run(run_id, on_fail=lambda: failures.append(True)) as run:
        await settle()
        port.started(run_id)
        port.step_started(run_id, "boom", 0)
        port.step_failed(run_id, "boom", 0, "disk is full")
        port.failed(run_id, "disk is full")
        await clock.advance(1)
        assert run.is_failed
        assert run.error == "disk is full"
        assert run.steps[0].status is StepStatus.FAILED
        assert run.steps[0].error == "disk is full"
    assert failures == [True]


async def test_a_run_opened_after_its_end_is_found_as_it_is(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    port.completed(run_id, 5)
    told: list[str] = []
    async with hooks.job("job").use_run(
        run_id, on_start=lambda: told.append("start"), on_complete=lambda: told.append("complete")
    ) as run:
        await clock.advance(60)
        assert run.output == 5
        assert run.state is not None
        assert run.state.settled
        assert not run.state.complete
    assert told == ["complete"]
    assert port.requests["subscribe"] == 1


async def test_what_the_feed_brings_while_the_own_stream_is_asked_for_is_shown_once(
    port: FakePort, hooks: DurablyHooks
) -> None:
    hooks.feed.open()
    run_id = port.made()
    port.started(run_id)
    port.offline = True
    async with hooks.job("job").use_run(run_id) as run:
        await settle()
        port.offline = False
        port.logged(run_id, "one")
        await settle()
        assert lines(run.logs) == ["one"]
        # The own stream was open by then, but word of that is read only now.
        own = port.run_streams[-1]
        own.live()
        own.send(port.published[-1:])
        port.logged(run_id, "two")
        await settle()
        assert lines(run.logs) == ["one", "two"]


async def test_a_run_opened_late_shows_what_the_feed_saw(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    hooks.feed.open()
    await settle()
    run_id = port.made()
    port.started(run_id)
    port.step_started(run_id, "a", 0)
    port.logged(run_id, "one")
    port.stepped(run_id, "a", 0)
    port.logged(run_id, "two")
    await settle()
    async with hooks.job("job").use_run(run_id) as run:
        await settle()
        assert lines(run.logs) == ["one", "two"]
        port.step_started(run_id, "b", 1)
        port.logged(run_id, "three")
        port.stepped(run_id, "b", 1)
        port.completed(run_id)
        await clock.advance(1)
        assert lines(run.logs) == ["one", "two", "three"], "told on both streams, shown once"
        assert [(step.name, step.status) for step in run.steps] == [
            ("a", StepStatus.COMPLETED),
            ("b", StepStatus.COMPLETED),
        ]
        assert run.state is not None
        assert run.state.complete
        assert [seen.event.type for seen in run.state.events].count("run:trigger") == 1
    async with hooks.job("job").use_run(run_id) as again:
        await clock.advance(1)
        assert lines(again.logs) == ["one", "two", "three"]
        assert len(again.steps) == 2
        assert again.output is None


async def test_a_retried_run_comes_alive_again(clock: ManualClock) -> None:
    port = FakePort(retry=True)
    run_id = port.made()
    port.started(run_id)
    port.step_started(run_id, "a", 0)
    told: list[str] = []
    async with create_durably_client(port, clock=clock) as hooks:
        run = hooks.job("job").use_run(
            run_id, on_start=lambda: told.append("start"), on_fail=lambda: told.append("fail")
        )
        async with run:
            await clock.advance(1)
            port.failed(run_id, "first")
            await clock.advance(1)
            assert run.is_failed
            assert len(port.open_feeds) == 1, "a retry of it is waited for"
            await hooks.use_run_actions().retry(run_id)
            await clock.advance(1)
            assert run.is_pending
            assert run.error is None
            assert port.open_feeds == []
            port.started(run_id)
            port.logged(run_id, "second try")
            await settle()
            assert run.is_running
            assert lines(run.logs) == ["second try"]
            port.failed(run_id, "second")
            await clock.advance(1)
            assert run.error == "second"
    assert told == ["start", "fail", "start", "fail"]
    assert port.requests["subscribe"] == 2


async def test_a_server_that_cannot_retry_is_not_listened_to_after_the_end(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    port.failed(run_id, "x")
    async with hooks.job("job").use_run(run_id):
        await clock.advance(60)
        assert port.feeds == []
        assert port.requests["subscribe"] == 1


async def test_a_run_that_is_not_there_is_gone_and_not_asked_for_again(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    async with hooks.job("job").use_run("nobody") as run:
        await clock.advance(120)
        assert run.state is not None
        assert run.state.is_gone
        assert run.is_pending
        assert port.requests["get_run"] <= 2
        assert port.requests["subscribe"] == 1


async def test_a_deleted_run_keeps_what_was_known(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    port.completed(run_id, 3)
    hooks.feed.open()
    async with hooks.job("job").use_run(run_id) as run:
        await clock.advance(1)
        port.deleted(run_id)
        await clock.advance(1)
        assert run.state is not None
        assert run.state.is_gone
        assert run.output == 3


async def test_two_hooks_of_one_run_share_its_stream(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    job = hooks.job("job")
    async with job.use_run(run_id), job.use_logs(run_id) as logs:
        await settle()
        port.logged(run_id, "hello")
        await settle()
        assert lines(logs.logs) == ["hello"]
        assert port.requests["subscribe"] == 1


async def test_no_run_is_nothing_to_watch(port: FakePort, hooks: DurablyHooks) -> None:
    async with hooks.job("job").use_run(None) as run, hooks.job("job").use_logs(None) as logs:
        await settle()
        assert run.status is None
        assert run.run is None
        assert not run.is_pending
        assert run.logs == ()
        assert list(logs.logs) == []
        with pytest.raises(ValueError, match="run_id"):
            await run.wait()
    assert port.requests.total() == 0


async def test_waiting_ends_with_the_end(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    port.completed(run_id, 9)
    async with hooks.job("job").use_run(run_id) as run:
        state = await run.wait()
        assert state.output == 9


async def test_logs_can_be_cleared_and_limited(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    hooks.feed.open()
    await settle()
    port.logged(run_id, "before")
    await settle()
    told: list[int] = []
    async with (
        hooks.job("job").use_logs(run_id) as logs,
        hooks.job("job").use_logs(run_id, max_logs=2) as last,
    ):
        await settle()
        logs.subscribe(lambda shown: told.append(len(shown)))
        for n in range(5):
            port.logged(run_id, f"line {n}")
        await settle()
        assert lines(logs.logs) == ["before", *(f"line {n}" for n in range(5))]
        assert lines(last.logs) == ["line 3", "line 4"]
        logs.clear_logs()
        assert lines(logs.logs) == []
        port.logged(run_id, "after")
        await settle()
        assert lines(logs.logs) == ["after"]
        assert lines(last.logs) == ["line 4", "after"]
    assert told[-2:] == [0, 1]
    with pytest.raises(ValueError, match="max_logs"):
        hooks.job("job").use_logs(run_id, max_logs=-1)


async def test_lines_are_bounded_by_the_limits_of_the_history(
    port: FakePort, clock: ManualClock
) -> None:
    run_id = port.made()
    limits = HistoryLimits(lines=10)
    async with (
        create_durably_client(port, clock=clock, limits=limits) as hooks,
        hooks.job("job").use_run(run_id) as run,
    ):
        await settle()
        for n in range(50):
            port.logged(run_id, f"line {n}")
        await settle()
        assert lines(run.logs) == [f"line {n}" for n in range(40, 50)]


async def test_a_callback_that_raises_does_not_stop_the_run(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    async with hooks.job("job").use_run(run_id, on_start=lambda: 1 / 0) as run:
        await settle()
        port.completed(run_id, 1)
        await clock.advance(1)
        assert run.output == 1


async def test_steps_are_put_together_only_when_they_changed(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    async with hooks.job("job").use_run(run_id) as run:
        await settle()
        port.started(run_id)
        port.step_started(run_id, "a", 0)
        await settle()
        before = run.steps
        port.logged(run_id, "line")
        await settle()
        assert run.steps is before
        port.stepped(run_id, "a", 0)
        await settle()
        assert run.steps is not before


async def test_a_run_is_shown_as_what_it_is_asked_to_be_and_goes_back_where_that_is_refused(
    port: FakePort, hooks: DurablyHooks
) -> None:
    run_id = port.made()
    port.started(run_id)
    failed = []
    async with hooks.job("job").use_run(run_id, on_fail=lambda: failed.append(1)) as run:
        await settle()

        def refused() -> None:
            with run.optimistic(RunStatus.FAILED):
                assert run.status is RunStatus.FAILED
                assert run.run is not None
                assert run.run.status is RunStatus.FAILED
                raise Conflict("Run is over.", status=409)

        with pytest.raises(Conflict):
            refused()
        assert run.status is RunStatus.RUNNING
        assert failed == []


async def test_a_granted_action_is_shown_before_the_stream_tells_of_it(
    port: FakePort, hooks: DurablyHooks, clock: ManualClock
) -> None:
    run_id = port.made()
    port.started(run_id)
    async with hooks.job("job").use_run(run_id) as run:
        await settle()
        port.mute = True
        with run.optimistic(RunStatus.CANCELLED):
            port.cancelled(run_id)
        assert run.status is RunStatus.CANCELLED
        await clock.advance(1)
        assert run.state is not None
        assert run.state.settled, "the rest was asked for"


async def test_what_the_stream_tells_meanwhile_is_believed(
    port: FakePort, hooks: DurablyHooks
) -> None:
    run_id = port.made()
    port.started(run_id)
    async with hooks.job("job").use_run(run_id) as run:
        await settle()
        with run.optimistic(RunStatus.CANCELLED):
            port.completed(run_id, 1)
            await settle()
            assert run.status is RunStatus.COMPLETED
        await settle()
        assert run.status is RunStatus.COMPLETED
