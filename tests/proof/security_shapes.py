"""Requests of a bad shape, written to the socket byte by byte."""

from __future__ import annotations

import asyncio
import json
import re
from urllib.parse import urlsplit

import httpx
from support.server import make_durably, reachable

from tests.proof.fuzz_meter import resident_mb
from tests.proof.report import Trial

BASE = "/api/durably"
PATIENCE = 5.0
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")

_INNER_BODY = json.dumps({"jobName": "echo", "input": {"value": "smuggled"}}).encode()
SMUGGLED = b"POST %b/trigger HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%b" % (
    BASE.encode(),
    len(_INNER_BODY),
    _INNER_BODY,
)
"""What must never be done: a request inside of another's body."""


def head(*lines: bytes, method: bytes = b"POST", path: bytes = b"/trigger") -> bytes:
    """A request's head with these header lines."""
    start = b"%b %b%b HTTP/1.1\r\nHost: 127.0.0.1\r\n" % (method, BASE.encode(), path)
    return start + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


_ALL = b"%d" % len(SMUGGLED)
_CHUNKED = b"Transfer-Encoding: chunked"
SHAPES: dict[str, bytes] = {
    "CL and TE": head(b"Content-Length: " + _ALL, _CHUNKED) + b"0\r\n\r\n" + SMUGGLED,
    "TE and CL": head(_CHUNKED, b"Content-Length: 4") + b"0\r\n\r\n" + SMUGGLED,
    "CL 0 and TE": head(b"Content-Length: 0", _CHUNKED) + b"0\r\n\r\n" + SMUGGLED,
    "TE with a space": head(b"Transfer-Encoding : chunked") + SMUGGLED,
    "TE xchunked": head(b"Transfer-Encoding: xchunked", b"Content-Length: 0") + SMUGGLED,
    "TE chunked, identity": head(b"Transfer-Encoding: chunked, identity") + SMUGGLED,
    "TE identity": head(b"Transfer-Encoding: identity") + SMUGGLED,
    "TE twice": head(_CHUNKED, b"Transfer-Encoding: x") + b"0\r\n\r\n" + SMUGGLED,
    "TE after a tab": head(b"Transfer-Encoding:\tchunked", b"Content-Length: 3") + b"0\r\n\r\n"
    + SMUGGLED,
    "TE with a vertical tab": head(b"Transfer-Encoding: \x0bchunked") + SMUGGLED,
    "CL twice, unlike": head(b"Content-Length: 0", b"Content-Length: " + _ALL) + SMUGGLED,
    "CL twice in one": head(b"Content-Length: 0, " + _ALL) + SMUGGLED,
    "CL with a plus": head(b"Content-Length: +0") + SMUGGLED,
    "CL negative": head(b"Content-Length: -1") + SMUGGLED,
    "CL in hex": head(b"Content-Length: 0x0") + SMUGGLED,
    "CL with an underscore": head(b"Content-Length: 0_0") + SMUGGLED,
    "CL in other digits": head("Content-Length: ٠".encode()) + SMUGGLED,
    "CL empty": head(b"Content-Length:") + SMUGGLED,
    "CL of 400 digits": head(b"Content-Length: " + b"9" * 400) + SMUGGLED,
    "CL folded": head(b"Content-Length:\r\n 0") + SMUGGLED,
    "bare LF": head(b"Content-Length: 0").replace(b"\r\n", b"\n") + SMUGGLED,
    "bare LF in a header": head(b"X: a\nContent-Length: " + _ALL, b"Content-Length: 0") + SMUGGLED,
    "bare CR in a header": head(b"X: a\rTransfer-Encoding: chunked", b"Content-Length: 0")
    + SMUGGLED,
    "NUL in a header": head(b"X: a\0b", b"Content-Length: 0") + SMUGGLED,
    "obs-fold": head(b"X: a\r\n\tTransfer-Encoding: chunked", b"Content-Length: 0"),
    "header without colon": head(b"nonsense", b"Content-Length: 0") + SMUGGLED,
    "header without name": head(b": x", b"Content-Length: 0") + SMUGGLED,
    "first header folded": head(b" X: a", b"Content-Length: 0") + SMUGGLED,
    "two Hosts": head(b"Host: evil.example", b"Content-Length: 0") + SMUGGLED,
    "chunk size garbage": head(_CHUNKED) + b"zz\r\n" + SMUGGLED,
    "chunk size negative": head(_CHUNKED) + b"-1\r\n" + SMUGGLED,
    "chunk size huge": head(_CHUNKED) + b"FFFFFFFFFFFFFFFFFF\r\n" + SMUGGLED,
    "chunk size with 0x": head(_CHUNKED) + b"0x0\r\n\r\n" + SMUGGLED,
    "chunk size with a space": head(_CHUNKED) + b"0 \r\n\r\n" + b"",
    "chunk without its line end": head(_CHUNKED) + b"1\r\nab" + SMUGGLED,
    "chunk extension with LF": head(_CHUNKED) + b"0;a\nb\r\n\r\n" + SMUGGLED,
    "chunk extension without end": head(_CHUNKED) + b"1;" + b"x" * 200_000,
    "chunks that end in LF": head(_CHUNKED) + b"0\n\n" + SMUGGLED,
    "HTTP/0.9": b"GET %b/runs\r\n\r\n" % BASE.encode(),
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED,
    "HTTP/9.9": head(b"Content-Length: 0").replace(b"HTTP/1.1", b"HTTP/9.9") + SMUGGLED,
    "two spaces": head(b"Content-Length: 0").replace(b"POST ", b"POST  ") + SMUGGLED,
    "a method with a space": head(b"Content-Length: 0", method=b"PO ST") + SMUGGLED,
    "CONNECT": b"CONNECT evil.example:80 HTTP/1.1\r\nHost: evil.example\r\n\r\n" + SMUGGLED,
    "line ends in the target": head(method=b"GET", path=b"/runs HTTP/1.1\r\nX: y\r\n\r\n")
    .replace(b" HTTP/1.1\r\nHost", b"\x0b HTTP/1.1\r\nHost", 1) + SMUGGLED,
    "garbage": bytes(range(256)) * 4,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 300,
    "only line ends": b"\r\n" * 500,
}  # fmt: skip
MAY_GO_ON = {
    *("CL folded", "obs-fold", "first header folded"),  # RFC 9112, 5.2: a fold is a blank
    *("bare LF", "HTTP/9.9", "CONNECT", "chunk size with a space"),
    "two spaces",  # RFC 9112, 3: words of the request line may be divided by any blanks
}
"""Shapes whose length is beyond doubt, so that what follows is a request of the same client: it is
answered after them, whatever they were answered."""


async def raw(port: int, content: bytes) -> bytes:
    """All that comes back until the server hangs up, or is quiet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    back = b""
    try:
        writer.write(content)
        async with asyncio.timeout(PATIENCE):
            await writer.drain()
            while True:
                # A connection that is kept open has said all once it is quiet.
                async with asyncio.timeout(0.3 if back else PATIENCE):
                    chunk = await reader.read(65536)
                if not chunk:
                    break
                back += chunk
    except (TimeoutError, OSError):
        pass
    finally:
        writer.close()
    return back


async def smuggling(trial: Trial) -> str:
    """No shape makes the server see a request that a proxy before it would not have seen."""
    tally: dict[str, int] = {}
    async with reachable(make_durably(trial.folder)) as client:
        port = urlsplit(str(client.base_url)).port
        assert port
        for name, content in SHAPES.items():
            back = await raw(port, content)
            statuses = [int(status) for status in _STATUS.findall(back)]
            runs = (await client.get("/runs")).json()
            smuggled = [run for run in runs if run["input"] == {"value": "smuggled"}]
            if smuggled and name not in MAY_GO_ON:
                trial.violated(f"{name}: the inner request was done; answers {statuses}")
            trial.expect(500 not in statuses, f"{name}: {statuses}")
            trial.expect(b"Traceback" not in back, f"{name}: a traceback")
            for run in runs:
                await _delete(client, run["id"])
            said = str(statuses[0]) if statuses else "hung up"
            tally[said] = tally.get(said, 0) + 1
        # A pipeline of good requests is answered in order, and one after the other.
        three = head(method=b"GET", path=b"/health/live") * 2 + head(method=b"GET", path=b"/no")
        back = await raw(port, three)
        statuses = [int(status) for status in _STATUS.findall(back)]
        trial.expect(statuses == [200, 200, 404], f"three in one go: {statuses}")
        # What stands in a target never ends a header of the answer.
        evil = head(method=b"GET", path=b"/run?runId=%0d%0aX-Evil:%20yes%0d%0a%0d%0a")
        back = await raw(port, evil)
        trial.expect(b"X-Evil" not in back.partition(b"\r\n\r\n")[0], "a header was injected")
    told = ", ".join(f"{count} x {status}" for status, count in sorted(tally.items()))
    return f"{len(SHAPES)} shapes: {told}"


async def _delete(client: httpx.AsyncClient, run_id: str) -> None:
    await client.get("/subscribe", params={"runId": run_id})
    await client.delete("/run", params={"runId": run_id})


async def oversized(trial: Trial) -> str:
    """What is too large is refused in words, stores nothing, and costs no memory."""
    async with reachable(make_durably(trial.folder)) as client:
        port = urlsplit(str(client.base_url)).port
        assert port
        await client.get("/runs")
        before = resident_mb()
        big = b"x" * 1_100_000
        cases = {
            "body, declared": (head(b"Content-Length: 1100000") + big, {413}),
            "body, 10 GB declared": (head(b"Content-Length: 10000000000") + b"{", {413}),
            "body, chunked": (
                head(_CHUNKED) + (b"8000\r\n" + b" " * 0x8000 + b"\r\n") * 40 + b"0\r\n\r\n", {413}
            ),
            "a header of 100 kB": (head(b"X: " + big[:100_000], b"Content-Length: 0"), {431}),
            "a header of 2 MB": (head(b"X: " + big * 2, b"Content-Length: 0"), {400, 431}),
            "20,000 headers": (
                head(*(b"X%d: y" % n for n in range(20_000)), b"Content-Length: 0"), {400, 431}
            ),
            "a target of 2 MB": (head(method=b"GET", path=b"/runs?x=" + big * 2), {400, 414, 431}),
            "a method of 1 MB": (head(method=big), {400, 404, 405}),
            "300 parameters": (head(method=b"GET", path=b"/runs?" + b"a=b&" * 300), {400}),
            "a deep body": (head(b"Content-Length: 900000") + b"[" * 900_000, {400}),
        }  # fmt: skip
        for name, (content, wanted) in cases.items():
            back = await raw(port, content)
            statuses = {int(status) for status in _STATUS.findall(back)[:1]}
            # A server may hang up on who goes on sending; then the answer may be lost.
            trial.expect(statuses <= wanted, f"{name}: {statuses}, not {wanted}")
            trial.expect(bool(statuses) or back == b"", f"{name}: {back[:80]!r}")
            trial.expect((await client.get("/runs")).json() == [], f"{name}: something was stored")
        grown = resident_mb() - before
        trial.expect(grown < 60, f"memory grew by {grown:.0f} MB")
    return f"{len(cases)} cases, memory {grown:+.1f} MB"
