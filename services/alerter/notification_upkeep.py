"""What notification does now and then: seals secrets anew, gives up what waits for nobody, and forgets what is long over."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kit import logs, patience
from kit.errors import AssayError
from services.alerter.store.deliveries import DeliveryStore
from services.alerter.store.receivers import ReceiverStore
from services.alerter.store.silences import SilenceStore

EVERY_S = 600.0
FORGET_AT_ONCE = 1_000
SILENCES_KEPT = timedelta(days=30)

_log = logs.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NotificationUpkeep:
    """Every replica does it; twice is as good as once."""

    deliveries: DeliveryStore
    receivers: ReceiverStore
    silences: SilenceStore
    deliveries_kept: timedelta
    clock: Callable[[], datetime]

    async def run(self, stop: asyncio.Event) -> None:
        """Works until asked to stop."""
        while not stop.is_set():
            try:
                await self.tidy()
            except Exception as error:
                if not patience.is_passing(error):
                    raise
                _log.warning("upkeep has to wait", why=str(error) or repr(error))
            await patience.pause(stop, EVERY_S)

    async def tidy(self) -> None:
        """Does all of it once."""
        try:
            await self.receivers.seal_anew()
        except AssayError as error:  # a key is missing: what it sealed is left as it is, and its deliveries say so
            _log.warning("secrets cannot be sealed anew", why=error.message)
        now = self.clock()
        await self.deliveries.give_up_orphans(now)
        await self.silences.forget_before(now - SILENCES_KEPT)
        while await self.deliveries.forget_before(now - self.deliveries_kept, FORGET_AT_ONCE) == FORGET_AT_ONCE:
            await asyncio.sleep(0)
