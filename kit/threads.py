"""How threads of a process that computes beside its event loop share the interpreter."""

import asyncio
import sys
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

# Python lets a thread that computes go on for 5 ms while the event loop waits to run, and a batch or an answer wakes the loop often.
# With queries beside it, the 99th percentile of RecordCalls was 250 to 650 ms by that and 50 ms by this, on a machine with other work.
SWITCH_INTERVAL_S = 0.0005


def favour_the_event_loop() -> None:
    """Has computing threads of this process give way to the event loop after SWITCH_INTERVAL_S.

    Not while something traces it: CPython 3.11 then loops for ever if a thread ends at the wrong moment, which many turns make likelier.
    """
    if sys.gettrace() is None:
        sys.setswitchinterval(SWITCH_INTERVAL_S)


async def in_turn(turns: asyncio.Semaphore, work: Callable[[], Result]) -> Result:
    """What `work` returns, done in a thread when it is its turn.

    A thread cannot be stopped: the turn lasts as long as it does, also when nobody waits for it any more, so that as many work at a time
    as there are turns and no more.
    """
    await turns.acquire()
    task = asyncio.ensure_future(asyncio.to_thread(work))

    def done(ended: "asyncio.Future[Result]") -> None:
        turns.release()
        if not ended.cancelled():
            ended.exception()  # told to whoever still waits

    task.add_done_callback(done)
    return await asyncio.shield(task)
