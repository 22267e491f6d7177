"""The door to a Durably server over HTTP: every endpoint and stream, in the words of ``protocol``.

::

    async with DurablyClient("http://127.0.0.1:8080/api/durably") as client:
        for run in await client.get_runs():
            print(run.id, run.status)
        async for event in client.subscribe_runs(job_name="import-csv"):
            print(event)
"""

from .client import DurablyClient
from .looking import Pong
from .pace import Pace
from .run_stream import RunStream
from .stream import Stream

__all__ = ["DurablyClient", "Pace", "Pong", "RunStream", "Stream"]
