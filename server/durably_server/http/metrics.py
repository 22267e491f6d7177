"""Counters of one process, and the Prometheus text format that shows them (version 0.0.4).

Written here, since the format is a page long and a library would be one more dependency.
"""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from durably_server.engine.engine import Engine
from durably_server.engine.events import Event, RunCancel, RunComplete, RunFail, StepComplete
from durably_server.engine.model import JobStats

if TYPE_CHECKING:
    from durably_server.http.hub import Hub

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 300.0, 1800.0, 7200.0)
"""Upper bounds of run and step durations, in seconds."""

Sample = tuple[str, Mapping[str, str], float]


class Histogram:
    """Durations in buckets, by job."""

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}
        self._sums: Counter[str] = Counter()

    def observe(self, job_name: str, seconds: float) -> None:
        """Count one."""
        counts = self._counts.setdefault(job_name, [0] * (len(BUCKETS) + 1))
        counts[bisect_left(BUCKETS, seconds)] += 1
        self._sums[job_name] += seconds  # type: ignore[assignment] # a Counter adds floats too

    def samples(self, name: str) -> Iterable[Sample]:
        """Cumulative buckets, sum and count of each job."""
        for job_name, counts in sorted(self._counts.items()):
            below = 0
            for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
                below += count
                yield f"{name}_bucket", {"job": job_name, "le": bound}, below
            yield f"{name}_sum", {"job": job_name}, self._sums[job_name]
            yield f"{name}_count", {"job": job_name}, below


class Metrics:
    """What a process counts: events, ends of runs, durations, requests."""

    def __init__(self, engine: Engine) -> None:
        self._started = time.time()
        self._events: Counter[str] = Counter()
        self._ended: Counter[tuple[str, str]] = Counter()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._runs = Histogram()
        self._steps = Histogram()
        engine.on(None, self._count)

    def answered(self, method: str, route: str, status: int) -> None:
        """Count a request."""
        self._requests[method, route, status] += 1

    def _count(self, event: Event) -> None:
        self._events[event.type] += 1
        if isinstance(event, StepComplete):
            self._steps.observe(event.job_name, event.duration / 1000)
        elif isinstance(event, RunComplete):
            self._ended[event.job_name, "completed"] += 1
            self._runs.observe(event.job_name, event.duration / 1000)
        elif isinstance(event, RunFail):
            self._ended[event.job_name, "failed"] += 1
        elif isinstance(event, RunCancel):
            self._ended[event.job_name, "cancelled"] += 1

    def text(self, stats: Sequence[JobStats], hub: "Hub", version: str, running: bool) -> bytes:
        """Everything in the Prometheus text format."""
        lines: list[str] = []

        def family(name: str, kind: str, about: str, samples: Iterable[Sample]) -> None:
            lines.append(f"# HELP {name} {about}")
            lines.append(f"# TYPE {name} {kind}")
            lines.extend(_line(*sample) for sample in samples)

        family("durably_info", "gauge", "The server.", [("durably_info", {"version": version}, 1)])
        family(
            "durably_runs",
            "gauge",
            "Runs in the database.",
            [
                ("durably_runs", {"job": each.job_name, "status": status}, count)
                for each in stats
                for status, count in each.counts.items()
            ],
        )
        family(
            "durably_runs_ended_total",
            "counter",
            "Runs that ended in this process.",
            [
                ("durably_runs_ended_total", {"job": job, "status": status}, count)
                for (job, status), count in sorted(self._ended.items())
            ],
        )
        name = "durably_run_duration_seconds"
        family(name, "histogram", "Last attempts of completed runs.", self._runs.samples(name))
        name = "durably_step_duration_seconds"
        family(name, "histogram", "Finished steps.", self._steps.samples(name))
        family(
            "durably_events_total",
            "counter",
            "Events of the engine.",
            [
                ("durably_events_total", {"type": kind}, count)
                for kind, count in sorted(self._events.items())
            ],
        )
        family(
            "durably_http_requests_total",
            "counter",
            "Requests answered.",
            [
                (
                    "durably_http_requests_total",
                    {"method": method, "route": route, "status": str(status)},
                    count,
                )
                for (method, route, status), count in sorted(self._requests.items())
            ],
        )
        for name, kind, about, value in (
            ("durably_worker_running", "gauge", "Whether this process executes runs.", running),
            ("durably_streams", "gauge", "Open event streams.", hub.size),
            ("durably_stream_frames_total", "counter", "Frames queued.", hub.delivered),
            ("durably_stream_gaps_total", "counter", "Clients told of missing events.", hub.gaps),
            ("process_start_time_seconds", "gauge", "When it began.", self._started),
        ):
            family(name, kind, about, [(name, {}, value)])
        return ("\n".join(lines) + "\n").encode()


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    shown = f"{{{inside}}}" if inside else ""
    # A sum of durations may be a whole number too, and still be a float.
    return f"{name}{shown} {int(value) if value == int(value) else value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
