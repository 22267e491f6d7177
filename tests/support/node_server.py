"""The real `@coji/durably` 0.15 server as a process that a test starts, kills and starts again."""

import shutil
from pathlib import Path

from support.server_process import ServerProcess, ServerProcessError

NODE_DIR = Path(__file__).parent.parent / "interop" / "node"


def node_missing() -> str | None:
    """Say why the Node server cannot run here, or None where it can."""
    if shutil.which("node") is None:
        return "Node.js is not installed"
    if not (NODE_DIR / "node_modules" / "@coji" / "durably").is_dir():
        return "tests/interop/node/node_modules is missing: run `make interop`"
    return None


class NodeServerError(ServerProcessError):
    """The Node server did not start; carries what it wrote to its standard error."""


class NodeServer(ServerProcess):
    """One Node server over one libSQL file.

    Times are in milliseconds, as Durably has them. With a short `lease_ms` a run that was
    interrupted by `kill` is taken up again soon after `restart`. `wal` sets the file's journal
    mode, which libSQL leaves at SQLite's default.
    """

    name = "the Node server"
    error = NodeServerError

    def __init__(
        self,
        db_path: Path | str,
        *,
        port: int = 0,
        max_concurrent_runs: int = 4,
        polling_interval_ms: int = 50,
        lease_ms: int = 30_000,
        lease_renew_interval_ms: int = 5_000,
        preserve_steps: bool = False,
        wal: bool = False,
    ) -> None:
        super().__init__(db_path, port=port)
        self._options = [
            f"--max-concurrent-runs={max_concurrent_runs}",
            f"--polling-interval-ms={polling_interval_ms}",
            f"--lease-ms={lease_ms}",
            f"--lease-renew-interval-ms={lease_renew_interval_ms}",
            *(["--preserve-steps"] if preserve_steps else []),
            *(["--wal"] if wal else []),
        ]

    def folder(self) -> Path:
        return NODE_DIR

    def command(self) -> list[str]:
        return ["node", "server.mjs", f"--db={self.db_path}", f"--port={self.port}", *self._options]
