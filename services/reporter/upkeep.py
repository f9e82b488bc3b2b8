"""Forgets reports, recommendations and runs that are older than anybody asks for."""

import asyncio
from datetime import UTC, datetime, timedelta

from kit import patience
from services.reporter.store.recommendations import RecommendationStore
from services.reporter.store.reports import ReportStore
from services.reporter.store.runs import RunStore

EVERY_S = 3_600.0
# Deleted in one transaction; replicas that do it at once delete different ones, or the same ones without harm.
AT_ONCE = 500


class Upkeep:
    """Every replica does it now and then."""

    def __init__(self, reports: ReportStore, recommendations: RecommendationStore, runs: RunStore, kept: timedelta) -> None:
        self._stores = (reports, recommendations, runs)
        self._kept = kept

    async def run(self, stop: asyncio.Event) -> None:
        """Works until asked to stop."""
        while not stop.is_set():
            try:
                for store in self._stores:
                    while await store.forget_before(datetime.now(UTC) - self._kept, AT_ONCE) == AT_ONCE:
                        await asyncio.sleep(0)
            except Exception as error:
                if not patience.is_passing(error):
                    raise
            await patience.pause(stop, EVERY_S)
