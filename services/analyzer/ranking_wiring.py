"""Wires rankings and prompts: what the analyzer's own wiring does not need to know of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import grpc.aio
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.access import Guard
from kit.bus import Bus
from kit.lifecycle import Job
from kit.news import News
from kit.start import Start
from services.analyzer import rpc_prompts, rpc_rankings, streams
from services.analyzer.announce import announce
from services.analyzer.backtests import Backtests
from services.analyzer.collector import Collector
from services.analyzer.evidence_reader import EvidenceReader
from services.analyzer.prompts import Prompts
from services.analyzer.rankings import Rankings
from services.analyzer.recommendations import Recommendations
from services.analyzer.settings import AnalyzerSettings
from services.analyzer.store.anomalies import AnomalyStore
from services.analyzer.store.kept_rankings import KeptRankingStore

SERVICE_NAMES = (rpc_rankings.SERVICE_NAME, rpc_prompts.SERVICE_NAME)


@dataclass(frozen=True)
class Choosing:
    """What answers whom to choose."""

    rankings: Rankings
    recommendations: Recommendations
    kept: KeptRankingStore
    news: News
    backtests: Backtests
    prompts: Prompts

    def servicers(self, guard: Guard, ranking_guard: Guard) -> list[Callable[[grpc.aio.Server], None]]:
        """Their services; `ranking_guard` believes keys that worked for a while when they cannot be checked."""
        ranking = rpc_rankings.RankingServicer(ranking_guard, guard, self.rankings, self.kept, self.news, self.backtests)
        return [ranking.add_to, rpc_prompts.PromptServicer(guard, self.prompts).add_to]

    def jobs(self, start: Start) -> list[Job]:
        """What runs beside them."""
        return [self.rankings.run, self.news.run, start.after(self.recommendations.run)]


def choosing(settings: AnalyzerSettings, engine: AsyncEngine, connection: Bus, collector: Collector, anomalies: AnomalyStore) -> Choosing:
    """All that is needed to choose."""
    half_life_s = timedelta(days=settings.ranking_half_life_days).total_seconds()
    kept = KeptRankingStore(engine)
    recommendations = Recommendations(kept, partial(announce, connection), timedelta(days=settings.rankings_kept_days))
    reader = EvidenceReader(collector, anomalies)
    rankings = Rankings(connection, reader, recommendations, refresh_s=settings.ranking_refresh_s, half_life_s=half_life_s)
    news = News(connection, streams.RANKINGS_SUBJECT)
    return Choosing(rankings, recommendations, kept, news, Backtests(collector, half_life_s), Prompts(collector))
