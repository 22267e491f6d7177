"""What the parts of one engine share."""

from durably_server.engine.clock import IdFactory, iso
from durably_server.engine.events import EventBus
from durably_server.engine.options import Settings
from durably_server.engine.store import Store
from durably_server.engine.threads import ThreadPool

_SPARE_THREADS = 32


class Services:
    """The store and the settings, and what is made once for them.

    Attributes:
        running: how many runs are executed in this process now.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.settings = settings
        self.clock = settings.clock
        self.bus = EventBus(settings.clock)
        self.ids = IdFactory(settings.clock)
        self.running = 0
        self.threads = ThreadPool(settings.max_concurrent_runs + _SPARE_THREADS)

    def now(self) -> str:
        """The time now as ISO 8601 text."""
        return iso(self.clock())
