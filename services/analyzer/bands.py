"""Puts together what was normal over a range of time, for groups of series."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby

import numpy as np

from services.analyzer.domain import curve
from services.analyzer.domain.arrays import Floats
from services.analyzer.domain.curve import Held
from services.analyzer.domain.metric import Metric
from services.analyzer.domain.series import SeriesKey
from services.analyzer.messages.baselines import BandQuestion, range_too_large
from services.analyzer.store.baselines import BaselineStore, Chosen
from services.analyzer.store.records import BaselineVersion

# Versions that one answer is made of, and points that they are looked up at: some tenths of a second.
VERSIONS_MAX = 20_000
POINTS_MAX = 5_000_000

Found = list[tuple[SeriesKey, BaselineVersion]]


async def bands(store: BaselineStore, project: str, question: BandQuestion) -> list[tuple[tuple[str, ...], Floats]]:
    """The bands by group, in the order of the groups' values, each of shape (3, instants). Raises RANGE_TOO_LARGE."""
    metrics = tuple(sorted({question.metric.value, Metric.CALL_VOLUME.value}))
    start, end = (datetime.fromtimestamp(question.time_s[place], UTC) for place in (0, -1))
    last = end.replace(microsecond=999_999)
    found = await store.between(Chosen(project, question.chosen, metrics), start, last, VERSIONS_MAX + 1)
    series_count = len({version.series_id for _, version in found})
    if len(found) > VERSIONS_MAX or series_count * len(question.time_s) > POINTS_MAX:
        raise range_too_large()
    return await asyncio.to_thread(_joined, found, question)


def _joined(found: Found, question: BandQuestion) -> list[tuple[tuple[str, ...], Floats]]:
    weights = _values(found, Metric.CALL_VOLUME, question.time_s)
    values = _values(found, question.metric, question.time_s)
    unknown = np.full((3, len(question.time_s)), np.nan)
    groups: dict[tuple[str, ...], list[SeriesKey]] = {}
    for key in values:
        groups.setdefault(tuple(getattr(key, name) for name in question.group_by), []).append(key)
    return [
        (
            group,
            curve.combined(
                np.stack([values[key] for key in keys]),
                np.stack([weights.get(key, unknown)[0] for key in keys]),
                is_sum=question.metric is Metric.CALL_VOLUME,
            ),
        )
        for group, keys in sorted(groups.items())
    ]


def _values(found: Found, metric: Metric, time_s: Floats) -> dict[SeriesKey, Floats]:
    """What held of a metric at these moments, by series."""
    of_metric = (one for one in found if one[1].metric is metric)
    return {key: curve.held(_held(versions), time_s) for key, versions in groupby(of_metric, lambda one: one[0])}


def _held(versions: Iterable[tuple[SeriesKey, BaselineVersion]]) -> list[Held]:
    return [Held(version.from_time.timestamp(), curve.unpack(version.body)) for _, version in versions]
