"""Jobs that are worth watching, and a steady feed of work for them."""

from durably_server.demo.feed import feed
from durably_server.demo.jobs import demo_jobs

__all__ = ["demo_jobs", "feed"]
