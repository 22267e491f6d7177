"""``make bench``: every figure beside a reference in the same run; it prints and judges nothing."""

from __future__ import annotations

import sys

from tests.bench import (
    engine,
    logs,
    monitor,
    monitor_node,
    paint,
    pipes,
    requests,
    server,
    sizes,
    start,
    store,
    streams,
    wire,
)

SUITES = {
    "start": start.run,
    "wire": wire.run,
    "requests": requests.run,
    "paint": paint.run,
    "logs": logs.run,
    "pipes": pipes.run,
    "monitor": monitor.run,
    "monitor-node": monitor_node.run,
    "store": store.run,
    "sizes": sizes.run,
    "engine": engine.run,
    "server": server.run,
    "streams": streams.run,
}


def main() -> None:
    """Run the suites that are named, or all."""
    names = sys.argv[1:] or list(SUITES)
    unknown = [name for name in names if name not in SUITES]
    if unknown:
        sys.exit(f"no such suite: {', '.join(unknown)}; there are {', '.join(SUITES)}")
    for name in names:
        SUITES[name]()


if __name__ == "__main__":
    main()
