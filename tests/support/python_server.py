"""Our server as a process of its own, with the Node server's jobs: to be killed, or measured.

`python -m support.python_server --db FILE` is the process; it speaks as `server.mjs` does.
"""

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

from support.server_process import ServerProcess

TESTS = Path(__file__).parent.parent


class PythonServer(ServerProcess):
    """One server of ours over one SQLite file. Times are in seconds, as `Durably` has them."""

    name = "the Python server"

    def __init__(
        self,
        db_path: Path | str,
        *,
        port: int = 0,
        max_concurrent_runs: int = 4,
        polling_interval: float = 0.1,
        lease: float = 30.0,
        lease_renewal: float = 5.0,
        preserve_steps: bool = True,
        generation: str = "0.15",
    ) -> None:
        super().__init__(db_path, port=port)
        self._generation = generation
        self._options = {
            "max_concurrent_runs": max_concurrent_runs,
            "polling_interval": polling_interval,
            "lease": lease,
            "lease_renewal": lease_renewal,
            "preserve_steps": preserve_steps,
            "stop_grace": 0.2,
        }

    def folder(self) -> Path:
        return TESTS

    def environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}

    def command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "support.python_server"),
            f"--db={self.db_path}",
            f"--port={self.port}",
            f"--options={json.dumps(self._options)}",
            f"--generation={self._generation}",
        ]


def main() -> None:
    """Serve until the standard input ends, or until a signal."""
    from support.node_jobs import NODE_JOBS

    from durably_server import Durably
    from durably_server.http.serving import run_server

    parser = argparse.ArgumentParser()
    parser.add_argument("--db", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--options", type=json.loads, default={})
    parser.add_argument("--generation", default="0.15")
    asked = parser.parse_args()

    def end_with_the_test() -> None:
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    def ready(url: str) -> None:
        threading.Thread(target=end_with_the_test, daemon=True).start()
        print(json.dumps({"port": urlsplit(url).port}), flush=True)

    run_server(
        Durably(f"sqlite:///{Path(asked.db).absolute()}", jobs=NODE_JOBS, **asked.options),
        port=asked.port,
        generation=asked.generation,
        on_ready=ready,
    )


if __name__ == "__main__":
    main()
