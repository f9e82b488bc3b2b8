"""Slabs hold every series once, group by group, and about as much as they may."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain import slabs
from services.collector.domain.plan import plan
from services.collector.domain.slabs import Slab, Slabs
from services.collector.domain.windows import Grid

HOUR = plan(Grid(np.array([600, 660])), ZoneInfo("UTC"))
QUARTER_YEAR = plan(Grid(np.arange(0, 91 * 1440, 1440)), ZoneInfo("UTC"))


def taken(made: Slabs, series_bytes: int) -> list[Slab]:
    """All slabs, when every series takes so much."""
    found = []
    while (slab := made.take()) is not None:
        found.append(slab)
        made.note(slab.series_id.size * series_bytes)
    return found


@given(st.lists(st.integers(0, 5), max_size=40), st.sampled_from([0, 20_000, 150_000, 10**7]))
def test_every_series_is_in_one_slab_and_groups_know_whether_they_are_split(groups: list[int], series_bytes: int) -> None:
    series_id = np.random.default_rng(len(groups)).permutation(len(groups)) * 7
    found = taken(Slabs(series_id, np.array(groups, np.int64), QUARTER_YEAR), series_bytes)
    group_of = dict(zip(series_id.tolist(), groups, strict=True))
    assert sorted(one for slab in found for one in slab.series_id.tolist()) == sorted(group_of)
    places: dict[int, set[int]] = {}
    for number, slab in enumerate(found):
        assert (np.diff(slab.series_id) > 0).all()
        assert slab.group.tolist() == [group_of[one] for one in slab.series_id.tolist()]
        assert slab.group_of(slab.series_id[::-1]).tolist() == slab.group[::-1].tolist()
        for group in slab.group.tolist():
            places.setdefault(group, set()).add(number)
    for number, slab in enumerate(found):
        assert slab.split_groups.tolist() == sorted(group for group, at in places.items() if number in at and len(at) > 1)


@pytest.mark.parametrize("series_bytes", [1_000, 100_000])
def test_slabs_come_to_hold_about_what_they_may(series_bytes: int) -> None:
    number = np.arange(2_000)
    sizes = [slab.series_id.size * series_bytes for slab in taken(Slabs(number, number, QUARTER_YEAR), series_bytes)]
    assert max(sizes) <= 1.5 * slabs.SLAB_BYTES
    assert max(sizes) >= 0.9 * slabs.SLAB_BYTES


def test_few_windows_of_many_series_are_read_at_once() -> None:
    number = np.arange(100)
    assert len(taken(Slabs(number, number, HOUR), 3_000)) == 1


def test_a_quiet_slab_does_not_open_the_flood_gates() -> None:
    number = np.arange(2_000)
    made = Slabs(number, number, QUARTER_YEAR)
    first = made.take()
    made.note(0)
    second = made.take()
    assert first is not None
    assert second is not None
    assert first.series_id.size < second.series_id.size < 5 * (first.series_id.size + 1)
