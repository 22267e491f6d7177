"""Any ASGI app on a real loopback socket, served by uvicorn inside the test's own loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn


async def stop_accepting(server: asyncio.Server) -> None:
    """Take no more connections, and let those that were taken begin, so that `close` may follow.

    Python 3.11 leaves a socket open for ever if its server is closed between its `accept` and the
    making of its transport.
    """
    for sock in server.sockets:
        asyncio.get_running_loop().remove_reader(sock.fileno())
    await asyncio.sleep(0)


class LoopbackServer(uvicorn.Server):
    """A uvicorn that is started and stopped by a block, not by signals and a ticking main loop."""

    async def start(self, sock: socket.socket) -> None:
        """Listen on `sock`; raises SystemExit if that fails."""
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup(sockets=[sock])

    def cut_connections(self) -> None:
        """Break every open connection at once, in the middle of whatever it carries."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()


@asynccontextmanager
async def serving(
    app: Any, *, port: int = 0, before_stop: Callable[[], None] = lambda: None
) -> AsyncIterator[tuple[int, LoopbackServer]]:
    """Serve `app` on 127.0.0.1; gives the port and the server.

    `before_stop` has to end open streams: uvicorn waits for them for ever.
    """
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        config = uvicorn.Config(app, lifespan="off", ws="none", log_config=None, access_log=False)
        server = LoopbackServer(config)
        await server.start(sock)
        try:
            yield sock.getsockname()[1], server
        finally:
            for listener in server.servers:
                await stop_accepting(listener)
            before_stop()
            await server.shutdown(sockets=[sock])
