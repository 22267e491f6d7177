"""What is wrong with a recording::

    RecordingError

``str(error)`` is one sentence for a person: what happened, and what to do.
"""

from __future__ import annotations


class RecordingError(Exception):
    """A file that cannot be read or written as a recording."""
