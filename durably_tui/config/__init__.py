"""The configuration: read, checked and written with no terminal and no HTTP.

::

    config = load()
    for problem in config.problems:
        print(problem)
    server = config.server("prod")
    print(server.title, server.read_only, config.origin("theme"))
"""

from .credentials import token_of
from .file import usual_path
from .load import load
from .mistakes import ConfigError, Problem, nearest
from .model import Alerts, Config, Origin, Server, is_address, shown
from .write import keep, save_filter

__all__ = [
    "Alerts",
    "Config",
    "ConfigError",
    "Origin",
    "Problem",
    "Server",
    "is_address",
    "keep",
    "load",
    "nearest",
    "save_filter",
    "shown",
    "token_of",
    "usual_path",
]
