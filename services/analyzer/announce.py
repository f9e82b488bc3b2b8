"""Tells the bus what is recommended from now on."""

from collections.abc import Sequence

from assay.events.v1.rankings_pb2 import RankingKept

from kit import logs
from kit.bus import Bus
from kit.errors import AssayError
from services.analyzer import streams
from services.analyzer.messages.kept_rankings import kept_summary
from services.analyzer.store.records import KeptRanking

_log = logs.get_logger(__name__)


async def announce(bus: Bus, kept: Sequence[KeptRanking]) -> None:
    """Announces kept rankings. Where the bus is away, they are found in the list of rankings."""
    try:
        for one in kept:
            await bus.publish(f"{streams.RANKINGS_SUBJECT}.{one.project}", RankingKept(ranking=kept_summary(one)).SerializeToString(), {})
    except AssayError as error:
        _log.warning("rankings are not announced", count=len(kept), why=error.message)
