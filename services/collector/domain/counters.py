"""Counters: what each series has counted since it was first seen, in the form that scrapers want, which never falls."""

from dataclasses import replace

import numpy as np

from services.collector.domain.measures import Measure
from services.collector.domain.rollup import Windows, rekey

COUNTED_MEASURES = slice(Measure.SUCCEEDED, Measure.COST_UNKNOWN_COUNT + 1)
"""What calls add and nothing takes away. Tasks move between windows and scores are replaced, so that their sums may fall."""


def counted(added: Windows) -> Windows:
    """What is added to the counters of each series: one row a series, whose start is 0. Of calls, nothing is ever taken away.

    Whoever scrapes takes a counter that fell for one that began at zero again, and would count all of it a second time.
    """
    sums = rekey(added, start_min=np.zeros_like(added.start_min))
    measures = sums.measures.copy()
    np.maximum(measures[:, COUNTED_MEASURES], 0, out=measures[:, COUNTED_MEASURES])
    kept = sums.entry_count > 0
    return replace(
        sums, measures=measures, entry_row=sums.entry_row[kept], entry_bucket=sums.entry_bucket[kept], entry_count=sums.entry_count[kept]
    )
