"""Keeps the leases of running attempts, and ends those that were lost."""

import asyncio
import logging
from collections.abc import Collection

from durably_server.engine.attempt import Attempt, Interruption
from durably_server.engine.clock import iso
from durably_server.engine.events import RunLeaseRenewed, of_run

logger = logging.getLogger("durably_server")


class LeaseKeeper:
    """Renews all leases of a worker together, so that they share commits.

    It goes on while a stopping worker drains: a step that has its last seconds must not lose
    its run to somebody else meanwhile.
    """

    def __init__(self, active: Collection[Attempt], *, lease: float, renewal: float) -> None:
        self._active = active
        self._lease_ms = int(lease * 1000)
        self._renewal = renewal

    async def keep(self) -> None:
        """Renew for ever; cancel it to end."""
        while True:
            await asyncio.sleep(self._renewal)
            attempts = [each for each in self._active if each.interruption is None]
            await asyncio.gather(*(self._renew(each) for each in attempts))

    async def _renew(self, attempt: Attempt) -> None:
        run, services = attempt.run, attempt.services
        now = services.clock()
        try:
            renewed = await services.store.renew_lease(
                run.id,
                run.lease_generation,
                now=iso(now),
                expires_at=iso(now + self._lease_ms),
            )
            if not renewed:
                await attempt.interrupt_if_lost()
        except Exception as error:  # it ends no other's renewal
            logger.error("Run %s: its lease was not renewed: %s", run.id, error)
            if services.clock() >= attempt.lease_expires_ms:
                attempt.interrupt(Interruption.LEASE_LOST)
            return
        if renewed:
            attempt.lease_expires_ms = now + self._lease_ms
            services.bus.emit(
                RunLeaseRenewed(
                    **of_run(run),
                    lease_owner=run.lease_owner or "",
                    lease_expires_at=iso(attempt.lease_expires_ms),
                )
            )
