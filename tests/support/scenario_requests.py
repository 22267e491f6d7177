"""What the story of ``scenario`` sends: bodies and queries, good and bad."""

from urllib.parse import quote

from support.hostile import HOSTILE

# A lone surrogate cannot be sent as UTF-8 at all; NUL and empty ends have runs of their own.
HOSTILE_TEXT = "\n".join(HOSTILE).encode(errors="ignore").decode().replace("\0", "").strip()
PROD = {"env": "prod"}
PROD_OPS = {"env": "prod", "team": "ops"}
LISTS = {
    "one job": "jobName=echo",
    "two jobs": "jobName=echo&jobName=fails",
    "no such job": "jobName=nobody",
    "an empty job": "jobName=",
    "one label": "label.env=prod",
    "two labels": "label.env=prod&label.team=ops",
    "a label twice": "label.env=dev&label.env=prod",
    "job and label": "jobName=echo&label.env=prod",
    "other parameters": "status=failed&limit=1&what=ever",
}
"""The streams about many runs; each that tells anything tells of the last run."""

STRANGE_PATHS = (
    "",
    "/",
    "/nothing",
    "/runs/",
    "/Runs",
    "//runs",
    "/run/x",
    "/runs/subscribe/",
)
"""Paths that differ a little from one that there is, or a lot."""
STRANGE_METHODS = (
    ("POST", "/runs"),
    ("POST", "/run"),
    ("PUT", "/run"),
    ("PATCH", "/run"),
    ("DELETE", "/runs"),
    ("GET", "/trigger"),
    ("GET", "/cancel"),
    ("GET", "/retrigger"),
    ("POST", "/retry"),
    ("POST", "/subscribe"),
    ("HEAD", "/runs"),
    ("HEAD", "/run"),
    ("OPTIONS", "/runs"),
    ("OPTIONS", "/trigger"),
)
"""Methods that a path does not have, or not on every server."""
BAD_CONTENTS = {
    "no body": b"",
    "text": b"hello",
    "half a body": b'{"jobName": "echo", "input": {"val',
    "not UTF-8": b'{"jobName": "echo", "input": {"value": "\xff"}}',
    "null": b"null",
    "a number": b"1",
    "a string": b'"echo"',
    "an array": b"[]",
    "an empty array": b"[[]]",
    "an empty object": b"{}",
    "NaN": b'{"jobName": "echo", "input": {"value": NaN}}',
    "a lone surrogate": b'{"jobName": "nobody\\ud800", "input": {}}',
    "2 MB": b'{"jobName": "nobody", "input": {"value": "' + b"x" * 2_000_000 + b'"}}',
}
"""Bodies of a trigger that are no JSON, none of a trigger, or too large."""
GOOD = {"jobName": "echo", "input": {"value": "x"}}
# Not asked: an object as a label or a key, which ends a Node server's process.
BAD_BODIES: dict[str, object] = {
    "a number as job": GOOD | {"jobName": 1},
    "an object as job": GOOD | {"jobName": {}},
    "an empty job": GOOD | {"jobName": ""},
    "null as job": GOOD | {"jobName": None},
    "an unknown job": GOOD | {"jobName": "nobody"},
    "no job": {"input": {}},
    "no input": {"jobName": "echo"},
    "null as input": GOOD | {"input": None},
    "a string as input": GOOD | {"input": "x"},
    "an array as input": GOOD | {"input": []},
    "an empty input": GOOD | {"input": {}},
    "a wrong type": GOOD | {"input": {"value": 1}},
    "a number out of range": {"jobName": "steps", "input": {"count": -1}},
    "a fraction": {"jobName": "steps", "input": {"count": 1.5}},
    "a number as text": {"jobName": "steps", "input": {"count": "1"}},
    "labels as array": GOOD | {"labels": ["a"]},
    "labels as text": GOOD | {"labels": "env=prod"},
    "a label key with a space": GOOD | {"labels": {"a b": "c"}},
    "an empty label key": GOOD | {"labels": {"": "c"}},
    "a label with a number": GOOD | {"labels": {"a": 1}},
    "a label with null": GOOD | {"labels": {"a": None}},
    "a wrong coalesce": GOOD | {"concurrencyKey": "k", "coalesce": "merge"},
    "a number as coalesce": GOOD | {"concurrencyKey": "k", "coalesce": 1},
    "coalesce without key": GOOD | {"coalesce": "skip"},
    "coalesce and an empty key": GOOD | {"coalesce": "skip", "concurrencyKey": ""},
    "a number as idempotency key": GOOD | {"idempotencyKey": 1},
    "a number as concurrency key": GOOD | {"concurrencyKey": 1},
}
"""Triggers that are each wrong in one thing; what a server takes all the same is its own."""
LIVES: dict[str, tuple[str, dict[str, object], dict[str, str]]] = {
    "echo": ("echo", {"value": "hello", "more": True}, PROD_OPS),
    "steps": ("steps", {"count": 3}, PROD),
    "no steps": ("steps", {"count": 0, "delayMs": 1}, {}),
    "fails": ("fails", {"message": "disk is full"}, PROD),
    "fails silently": ("fails", {"message": ""}, {}),
    "flaky": ("flaky", {"fail": True}, {}),
    "noisy": ("noisy", {"lines": 7}, {"a/b.c-d_E": "漢字 & =?"}),
    "fails with space": ("fails", {"message": "  what now \n"}, {}),
    "hostile": ("hostile", {"text": HOSTILE_TEXT}, {}),
    "NUL": ("hostile", {"text": "before\0after"}, {}),
    "recovers": ("recovers", {"message": "not now"}, {}),
    "quiet": ("quiet", {}, {}),
    "twice": ("twice", {}, {}),
    "refused output": ("refused", {}, {}),
    "burst": ("burst", {"count": 50}, PROD),
}
"""Runs that are watched from their trigger to their end: job, input and labels."""
PAGES = [
    *("", "limit=3", "limit=3&offset=3", "limit=100&offset=14", "offset=2", "offset=99"),
    *("limit=0", "limit=", "offset=", "limit=1000000000", "offset=1000000000"),
    *("limit=-1", "limit=abc", "limit=1.5", "limit=10x", "limit=%20%202", "limit=%2B2"),
    *("offset=-1", "offset=abc", "limit=1e3", "limit=99999999999999999999"),
    *("limit=2&limit=1", "status=failed", "status=failed&status=pending", "status=running"),
    *("status=", "status=Failed", "status=leased", "status=cancelled", "status=completed"),
    *("jobName=echo", "jobName=echo&jobName=fails", "jobName=nobody", "jobName="),
    *("jobName=&jobName=echo", "jobName=Echo", "label.env=prod", "label.env="),
    *("label.env=prod&label.team=ops", "label.env=dev&label.env=prod", "label.env=dev"),
    *("label.=x", "label.a%20b=x", "label.a/b.c-d_E=" + quote("漢字 & =?"), "LABEL.env=x"),
    *("jobName=echo&status=completed&label.env=prod&limit=1", "what=ever", "status=%00"),
    *("label.env=%00", "jobName=%00", "jobName=%F0%28", "label.env=%ff"),
    "&".join(f"jobName=j{n}" for n in range(150)),
]
"""Queries of lists of runs."""
