"""Sends what is in the outbox: claims deliveries, tries them side by side, and records what became of each try."""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from kit import logs, metrics, patience
from kit.errors import AssayError
from services.alerter.channels.channel import SEND_TIMEOUT_S, Channel
from services.alerter.domain.notification.content import Notification
from services.alerter.domain.notification.delivery import Refused, Result, Retry, Sent, retry_time
from services.alerter.domain.notification.receiver import Receiver, secret_names
from services.alerter.render.chart import Chart
from services.alerter.render.outgoing import Outgoing
from services.alerter.render.rendering import outgoing_document, outgoing_notification
from services.alerter.store.deliveries import Claimed, DeliveryStore
from services.alerter.store.receivers import ReceiverStore

# Tries under way in one process. A receiver has two of them at most, so that this many can hang before any other waits for a place.
PLACES_MAX = 64
# How soon a new delivery is found.
POLL_S = 0.5
# A try that does not end by itself, for a name server's sake for instance; beyond what a channel may take, and within the lease.
TRY_TIMEOUT_S = SEND_TIMEOUT_S + 15.0
_HIDDEN = "***"
# Shorter ones, as the parts of a host's name, stand in any text.
SECRET_WORD_LENGTH_MIN = 8
_BETWEEN_WORDS = re.compile(r"[\s/?&=:]+")

ChartOf = Callable[[Notification], Awaitable[Chart | None]]

_log = logs.get_logger(__name__)
_attempts = metrics.counter(
    "assay_delivery_attempts_total", "Tries to deliver a message, by sort of receiver and result.", ["kind", "result"]
)


class Outbox:
    """Works on the outbox; any number of processes may. Each delivery is tried until a receiver takes it, under one id."""

    def __init__(
        self,
        store: DeliveryStore,
        receivers: ReceiverStore,
        channels: Mapping[str, Channel],
        *,
        clock: Callable[[], datetime],
        chart_of: ChartOf | None = None,
    ) -> None:
        """`chart_of` draws the charts of mails; None: they have none."""
        self._store = store
        self._receivers = receivers
        self._channels = channels
        self._clock = clock
        self._chart_of = chart_of
        self._tries: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Works until asked to stop; tries that are under way are then finished, or given up when it is cancelled."""
        try:
            while not stop.is_set():
                try:
                    claimed = await self._begin_tries()
                except Exception as error:
                    if not patience.is_passing(error):
                        raise
                    _log.warning("deliveries have to wait", why=str(error) or repr(error))
                    claimed = 0
                if not claimed:
                    await patience.pause(stop, POLL_S)
            await self.drain()
        finally:
            await self._cancel_tries()

    async def drain(self) -> None:
        """Waits for the tries that are under way."""
        if self._tries:
            await asyncio.wait(set(self._tries))

    async def _cancel_tries(self) -> None:
        """Gives up what is under way; it is tried again, under the same id, when its lease has ended."""
        tries = set(self._tries)
        for each in tries:
            each.cancel()
        await asyncio.gather(*tries, return_exceptions=True)

    async def _begin_tries(self) -> int:
        free = PLACES_MAX - len(self._tries)
        claimed = await self._store.claim(free, self._clock()) if free else []
        for each in claimed:
            task = asyncio.create_task(self._try(each))
            self._tries.add(task)
            task.add_done_callback(self._tries.discard)
        return len(claimed)

    async def _try(self, claimed: Claimed) -> None:
        began = time.perf_counter()
        result = await self._result(claimed)
        elapsed_s = time.perf_counter() - began
        now = self._clock()
        # Spreads deliveries that failed together; nothing hangs on its being hard to guess.
        chance = random.random()  # noqa: S311
        retry_at = retry_time(result, claimed.attempt, claimed.create_time, now, chance) if isinstance(result, Retry) else None
        try:
            await self._store.record(claimed, result, retry_at, elapsed_s, now)
        except Exception as error:  # noqa: BLE001 - one delivery's trouble must not stop the others
            if not patience.is_passing(error):
                _log.error("a delivery's result could not be kept", error=error, delivery=claimed.delivery_id)
                return
            # The lease ends by itself, and the delivery is tried again under the same id.
            _log.warning("a delivery's result is lost", delivery=claimed.delivery_id, why=str(error) or repr(error))
        _attempts.labels(kind=claimed.receiver_row.kind, result=type(result).__name__).inc()

    async def _result(self, claimed: Claimed) -> Result:
        """What became of a try; nothing that a channel does wrong may stop the others."""
        try:
            receiver = self._receivers.open_row(claimed.receiver_row)
        except AssayError as error:
            return Retry(error.message)
        try:
            message = await self._message(claimed, receiver)
            return await self.send(message, receiver)
        except Exception as error:  # noqa: BLE001 - as above
            if patience.is_passing(error):
                return Retry("Assay's database was away")
            _log.error("a delivery failed by a mistake of ours", error=error, delivery=claimed.delivery_id)
            return Retry(f"a mistake of Assay's own: {type(error).__name__}")

    async def send(self, message: Outgoing, receiver: Receiver) -> Result:
        """Tries once to send a message, whatever is in the outbox; what the receiver says is told without its secrets."""
        try:
            async with asyncio.timeout(TRY_TIMEOUT_S):
                result = await self._channels[receiver.kind].send(message, receiver)
        except TimeoutError:
            result = Retry(f"no answer within {TRY_TIMEOUT_S:g} s")
        return without_secrets(result, receiver)

    async def _message(self, claimed: Claimed, receiver: Receiver) -> Outgoing:
        if isinstance(claimed.content, Notification):
            chart = await self._chart_of(claimed.content) if self._chart_of is not None and receiver.kind == "email" else None
            return outgoing_notification(
                claimed.content, receiver, claimed.delivery_id, claimed.create_time, reference=claimed.reference, chart=chart
            )
        attachments = await self._store.attachments(claimed.delivery_id)
        return outgoing_document(claimed.content, receiver, claimed.delivery_id, claimed.create_time, attachments)


def without_secrets(result: Result, receiver: Receiver) -> Result:
    """The result with whatever a receiver may have echoed of its secrets hidden."""
    secrets = [part for name in secret_names(type(receiver.config)) for part in _parts(getattr(receiver.config, name))]

    def shown(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, _HIDDEN)
        return text

    match result:
        case Sent(reference=reference, detail=detail):
            return Sent(reference, shown(detail))
        case Retry(reason=reason, after_s=after_s):
            return Retry(shown(reason), after_s)
        case Refused(reason=reason):
            return Refused(shown(reason))


def _parts(value: str | tuple[str, ...]) -> list[str]:
    """Each secret and its longer words (of an address, of what stands behind Bearer), the longest first so that no rest is left."""
    whole = [value] if isinstance(value, str) else list(value)
    words = {word for each in whole for word in _BETWEEN_WORDS.split(each) if len(word) >= SECRET_WORD_LENGTH_MIN}
    return sorted({each for each in whole if each} | words, key=len, reverse=True)
