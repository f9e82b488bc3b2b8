"""Notes what normal looks like, so that it can be asked what was normal on a day, and which levels became normal."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from kit import logs
from kit.errors import AssayError
from services.analyzer.domain import curve
from services.analyzer.domain.arrays import Ints
from services.analyzer.domain.curve import Curves, NotedCurves
from services.analyzer.domain.metric import Metric
from services.analyzer.model import Model
from services.analyzer.store.anomalies import AnomalyStore
from services.analyzer.store.baselines import BaselineStore
from services.analyzer.store.records import BaselineVersion, Position
from services.analyzer.store.shifts import ShiftStore

_log = logs.get_logger(__name__)

# Series whose curves are computed in one go, of one metric: a hundred thousand points at most.
SERIES_AT_ONCE = 500


class Notes:
    """Baselines and shifts of the projects that this process works on."""

    def __init__(
        self, baselines: BaselineStore, shifts: ShiftStore, anomalies: AnomalyStore, *, baselines_kept: timedelta, anomalies_kept: timedelta
    ) -> None:
        self._baselines = baselines
        self._shifts = shifts
        self._anomalies = anomalies
        self._baselines_kept = baselines_kept
        self._anomalies_kept = anomalies_kept

    async def load(self, project: str, model: Model) -> NotedCurves:
        """What was noted last of each series that the model has."""
        noted = NotedCurves()
        by_metric: dict[Metric, list[BaselineVersion]] = {}
        for version in await self._baselines.newest(project):
            if model.knows(version.series_id):
                by_metric.setdefault(version.metric, []).append(version)
        for metric, versions in by_metric.items():
            series = model.numbers_of(np.array([version.series_id for version in versions]))
            time_s = np.array([version.note_time.timestamp() for version in versions])
            noted.note(series, metric, _curves_of(series, versions), time_s)
        return noted

    async def note(self, model: Model, position: Position, now_s: float) -> None:
        """Notes the curves of what has been taught since the last time, where they have changed noticeably."""
        taught = model.take_taught()
        for series in np.array_split(taught, len(taught) // SERIES_AT_ONCE + 1):
            for metric in Metric if len(series) else ():
                found = await asyncio.to_thread(curve.curves, model.baselines, series, metric, now_s)
                due = found.select(model.versions.is_due(metric, found, now_s))
                if len(due.series):
                    await self._baselines.add(_versions(model, metric, due, position, now_s))
                    model.versions.note(due.series, metric, due, now_s)

    async def drop(self, project: str) -> None:
        """Drops all that was noted of what is normal."""
        await self._baselines.drop(project)

    async def forget(self, project: str) -> None:
        """Drops what is older than it is kept."""
        now = datetime.now(UTC)
        await self._baselines.forget(project, now - self._baselines_kept)
        await self._anomalies.forget(project, now - self._anomalies_kept)

    async def apply_shifts(self, project: str, model: Model) -> None:
        """Makes the levels normal that operators accepted; one that is in no alarm any more is dropped, and whoever asks is told."""
        for shift in await self._shifts.waiting(project):
            (series,) = model.numbers_of(np.array([shift.series_id])).tolist()
            try:
                accepted = await asyncio.to_thread(model.accept, series, shift.metric)
            except AssayError as error:
                _log.info("a shift cannot be accepted", project=project, metric=shift.metric.name, reason=error.reason)
                await self._shifts.drop(shift.shift_id)
            else:
                await self._shifts.applied(shift.shift_id, accepted.from_value, accepted.to_value)

    async def add_accepted(self, project: str, model: Model) -> None:
        """Notes the levels that have stood for so long that they became normal by themselves."""
        for accepted in model.take_accepted():
            (series_id,) = model.series_ids(np.array([accepted.series])).tolist()
            await self._shifts.add_accepted(project, series_id, accepted)


def _versions(model: Model, metric: Metric, due: Curves, position: Position, now_s: float) -> list[BaselineVersion]:
    """Rows for curves. The first one of a series holds from when its history begins, of which it was learnt."""
    is_first = model.versions.is_first(metric, due.series)
    now = datetime.fromtimestamp(now_s, UTC)
    learnt_from = datetime.fromtimestamp(position.learnt_from_s, UTC)
    return [
        BaselineVersion(
            series_id=series_id,
            metric=metric,
            from_time=learnt_from if first else now,
            note_time=now,
            season=int(due.season[row]),
            parent=int(due.parent[row]),
            spread=float(due.spread[row]),
            call_count=int(due.call_count[row]),
            confidence_ratio=float(due.confidence_ratio[row]),
            borrowed_ratio=float(due.borrowed_ratio[row]),
            body=curve.pack(due.points[row]),
        )
        for row, (series_id, first) in enumerate(zip(model.series_ids(due.series).tolist(), is_first.tolist(), strict=True))
    ]


def _curves_of(series: Ints, versions: list[BaselineVersion]) -> Curves:
    names = ("spread", "season", "parent", "call_count", "confidence_ratio", "borrowed_ratio")
    columns: dict[str, Any] = {name: np.array([getattr(version, name) for version in versions]) for name in names}
    return Curves(series=series, **columns, points=[curve.unpack(version.body) for version in versions])
