"""Which runs and log lines a filter takes, in plain Python as SQLite decides it."""

from durably_server.engine.codec import encode_text
from durably_server.engine.model import LogFilter, LogRecord, Run, RunFilter


def fits(run: Run, where: RunFilter) -> bool:
    """Whether a run is in the list, wherever its page begins and ends."""
    return (
        (not where.job_names or run.job_name in where.job_names)
        and (not where.statuses or run.status in where.statuses)
        and all(run.labels.get(key) == value for key, value in where.labels.items())
        and (where.created_after is None or run.created_at >= where.created_after)
        and (where.created_before is None or run.created_at < where.created_before)
        and (where.text is None or _says(run, where.text))
    )


def fits_line(log: LogRecord, where: LogFilter) -> bool:
    """Whether a log line is wanted, however many there may be."""
    return (
        (not where.job_names or log.job_name in where.job_names)
        and (not where.levels or log.level in where.levels)
        and (where.after is None or log.id > where.after)
        and (where.before is None or log.id < where.before)
    )


def _says(run: Run, text: str) -> bool:
    wanted = _ascii_lower(text)
    places = (run.id, run.job_name, encode_text(run.input), run.error, encode_text(run.labels))
    return any(wanted in _ascii_lower(place) for place in places if place is not None)


def _ascii_lower(text: str) -> str:
    """As SQLite's ``lower`` does it, which leaves other letters alone."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")
