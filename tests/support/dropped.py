"""A client whose connections the network drops without a word, while new ones can be made.

Run as a program within a network of its own (``unshare -rn``); prints what became of a request and
of a stream as JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from contextlib import suppress

from durably_tui.client import DurablyClient, sockets
from durably_tui.protocol import DurablyError, Phase

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n%b\r\n\r\n"
LIST = HEAD % (b"application/json", b"Content-Length: 2") + b"[]"
STREAM = HEAD % (b"text/event-stream", b"Transfer-Encoding: chunked")


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As a server of Node whose runs stand still."""
    with suppress(asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(STREAM if b"/runs/subscribe" in head else LIST)
    writer.close()


def drop(server: int, clients: set[int]) -> None:
    """Let nothing through any more of these connections, to either side."""
    for port in clients:
        for one, other in ((server, port), (port, server)):
            rule = f"ip rule add pref 50 ipproto tcp sport {one} dport {other} blackhole"
            subprocess.run(rule.split(), check=True)


async def main() -> None:
    """Open both, drop them, and see."""
    sockets.UNCONFIRMED, sockets.IDLE, sockets.BETWEEN, sockets.MOST = 1.0, 1, 1, 2
    clients: set[int] = set()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients.add(writer.get_extra_info("peername")[1])
        await serve(reader, writer)

    server = await asyncio.start_server(accepted, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with DurablyClient(f"http://127.0.0.1:{port}", abilities="0.15") as client:
        lost, live = asyncio.Event(), asyncio.Event()
        why = ""

        async def watch() -> None:
            nonlocal why
            async for batch in client.subscribe_runs().batches():
                connection = batch.connection
                (live if connection.phase is Phase.LIVE else lost).set()
                why = why or str(connection.error or "")

        watching = asyncio.create_task(watch())
        await live.wait()
        await client.ping()
        lost.clear()
        drop(port, clients)
        began = time.monotonic()
        try:
            await client.ping()
            answered = time.monotonic() - began
        except DurablyError as error:
            answered = str(error)
        with suppress(TimeoutError):
            async with asyncio.timeout(15):
                await lost.wait()
        print(json.dumps({"answered": answered, "lost": lost.is_set(), "why": why}))
        watching.cancel()
        await asyncio.wait([watching])
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
