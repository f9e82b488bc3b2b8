"""Forgets alerts that were resolved long ago."""

import asyncio
from datetime import UTC, datetime, timedelta

from kit import patience
from services.alerter.store.alerts import AlertStore

EVERY_S = 3_600.0
# Deleted in one transaction; replicas that do it at once delete different ones, or the same ones without harm.
AT_ONCE = 1_000


class Upkeep:
    """Every replica does it now and then."""

    def __init__(self, alerts: AlertStore, kept: timedelta) -> None:
        self._alerts = alerts
        self._kept = kept

    async def run(self, stop: asyncio.Event) -> None:
        """Works until asked to stop."""
        while not stop.is_set():
            try:
                while await self._alerts.forget_before(datetime.now(UTC) - self._kept, AT_ONCE) == AT_ONCE:
                    await asyncio.sleep(0)
            except Exception as error:
                if not patience.is_passing(error):
                    raise
            await patience.pause(stop, EVERY_S)
