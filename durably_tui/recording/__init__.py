"""What passed between a server and a monitor, as one file that can be looked at again.

A recording is NDJSON: a header line, then a line for each thing that came, with its time. Answers
and frames are in it as the server sent them, so that they are decoded anew whenever it is played.
``Player`` is the port that the hooks need (``state.DurablyPort``), fed by such a file.
"""

from .errors import RecordingError
from .player import Mark, Player, ReplayClock
from .reading import Recording, read
from .recorder import Recorded, Recorder
from .words import FORMAT, VERSION, Answer, End, Fetched, Frames, Header, Line, Turn
from .writing import Writer

__all__ = [
    "FORMAT",
    "VERSION",
    "Answer",
    "End",
    "Fetched",
    "Frames",
    "Header",
    "Line",
    "Mark",
    "Player",
    "Recorded",
    "Recorder",
    "Recording",
    "RecordingError",
    "ReplayClock",
    "Turn",
    "Writer",
    "read",
]
