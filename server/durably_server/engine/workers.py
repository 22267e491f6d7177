"""The workers of one engine: the one that was started, and those of ``process_one``."""

from durably_server.engine.attempt import Attempt
from durably_server.engine.jobs import JobRegistry
from durably_server.engine.services import Services
from durably_server.engine.worker import Worker


class Workers:
    """Starts and stops them, and knows what runs in this process."""

    def __init__(self, services: Services, jobs: JobRegistry) -> None:
        self._services = services
        self._jobs = jobs
        self._started: Worker | None = None
        self._all: set[Worker] = set()

    @property
    def running(self) -> bool:
        """Whether one was started."""
        return self._started is not None

    def start(self) -> None:
        """Start one, unless it is."""
        if self._started is None:
            self._started = self._new()
            self._started.start()

    async def stop(self, grace: float) -> None:
        """Stop the one that was started; what runs gets ``grace`` seconds."""
        worker, self._started = self._started, None
        if worker is not None:
            await worker.stop(grace)
            self._all.discard(worker)

    def hurry(self) -> None:
        """End the grace of a stop that is under way."""
        for worker in self._all:
            worker.hurry()

    def wake(self) -> None:
        """There may be something to claim."""
        if self._started is not None:
            self._started.wake()

    async def run_one(self) -> bool:
        """Execute one run to its end; whether there was one."""
        worker = self._new()
        try:
            return await worker.run_one()
        finally:
            self._all.discard(worker)

    def attempt(self, run_id: str) -> Attempt | None:
        """The execution of a run that is under way in this process."""
        return next((w.active[run_id] for w in self._all if run_id in w.active), None)

    def attempts(self) -> list[Attempt]:
        """All executions that are under way in this process."""
        return [attempt for worker in self._all for attempt in worker.active.values()]

    def _new(self) -> Worker:
        worker = Worker(self._services, self._jobs)
        self._all.add(worker)
        return worker
