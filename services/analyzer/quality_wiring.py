"""Wires what the analyzer does about quality."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import grpc.aio
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import metrics
from kit.access import Guard
from kit.bus import Bus
from kit.lifecycle import Job
from kit.start import Start
from services.analyzer.bell import Bells
from services.analyzer.contents import Contents
from services.analyzer.quality_watch import QualityWatches
from services.analyzer.reading.pool import ReaderPool
from services.analyzer.rpc_quality import QualityServicer
from services.analyzer.scoring import Scorer, ScoringTools
from services.analyzer.settings import AnalyzerSettings
from services.analyzer.store.quality import QualityStore
from services.analyzer.store.quality_queries import QualityReader
from services.analyzer.store.records import Claim
from services.analyzer.stored_evidence import StoredEvidence

_READ = metrics.counter("assay_evidence_read_total", "Reports and code that were read, by kind and how that ended.", ["kind", "outcome"])


@dataclass(frozen=True)
class Quality:
    """Scoring and what is asked of it."""

    tools: ScoringTools
    bells: Bells
    reader: QualityReader
    watches: QualityWatches

    def servicer(self, guard: Guard) -> QualityServicer:
        """QualityService."""
        return QualityServicer(guard, self.reader, self.bells, self.watches)

    def jobs(self, start: Start) -> list[Job]:
        """What runs beside it."""
        return [self.bells.run, start.after(self.watches.run)]

    @asynccontextmanager
    async def scoring(self, claim: Claim) -> AsyncIterator[None]:
        """Scores a project that is ours, beside the block."""
        task = asyncio.create_task(Scorer(self.tools, claim).run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])


@asynccontextmanager
async def quality(engine: AsyncEngine, bus: Bus, collector: grpc.aio.Channel, settings: AnalyzerSettings) -> AsyncIterator[Quality]:
    """What scores, with processes that read until the block is left. `collector` is a channel that adds the key of the services."""
    bells = Bells(bus)
    kept = timedelta(days=settings.scores_kept_days)
    async with ReaderPool(settings.reader_process_count, count=lambda kind, outcome: _READ.labels(kind.value, outcome).inc()) as pool:
        tools = ScoringTools(bus, StoredEvidence(collector), Contents(bus), pool, QualityStore(engine), bells, kept)
        reader = QualityReader(engine)
        yield Quality(tools, bells, reader, QualityWatches(reader))
