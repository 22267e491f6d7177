"""The first half of ``make chaos``: a bad network, a dying server, and what is seen of them."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from support.node_server import NodeServer, node_missing
from support.python_server import PythonServer
from support.server_process import ServerProcess

from tests.proof.chaos_clocks import jumping_clock, renewed_certificate
from tests.proof.chaos_kills import kills
from tests.proof.chaos_network import network
from tests.proof.report import Check, Skipped, main

TITLE = "Chaos: a bad network, and a server that dies"


def python(folder: Path) -> ServerProcess:
    return PythonServer(folder / "python.db", lease=1.2, lease_renewal=0.2)


def node(folder: Path) -> ServerProcess:
    if missing := node_missing():
        raise Skipped(f"against the Node server: {missing}")
    return NodeServer(
        folder / "node.db", lease_ms=1200, lease_renew_interval_ms=200, preserve_steps=True
    )


def options(parser: argparse.ArgumentParser) -> None:
    """Options of this suite's own."""
    parser.add_argument("--kills", type=int, help="how often each server is killed")
    parser.add_argument("--fault", default="", help="part of the name of the only network fault")


CHECKS = [
    Check("faults of the network, Python server", partial(network, python), 900, 420),
    Check("faults of the network, Node server", partial(network, node), 900, 420),
    Check("a certificate renewed, then not trusted", partial(renewed_certificate, python), 120),
    Check("the clock jumps, Python server", partial(jumping_clock, python), 120),
    Check("the clock jumps, Node server", partial(jumping_clock, node), 120),
    Check("killed and started, Python server", partial(kills, python), 1800, 120),
    Check("killed and started, Node server", partial(kills, node), 1800, 120),
]

if __name__ == "__main__":
    main("chaos", TITLE, CHECKS, options=options)
