"""Metric queries against the same sums made call by call, whatever of the roll-ups has been folded."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest
import pytest_asyncio
from sqlalchemy import text

from kit.bus import Bus
from kit.errors import AssayError
from services.collector import query
from services.collector.domain import gathering, slabs
from services.collector.domain.levels import LEVELS, MINUTES, QUARTERS, Level
from services.collector.domain.windows import Retention
from services.collector.query import MetricsQueries
from services.collector.store.metrics import DIMENSIONS, Question
from services.collector.store.projects import ProjectInfo
from services.collector.store.read_series import SeriesFilter
from services.collector.store.rollups import Due, FoldingStore
from services.collector.zones import ZoneChanges
from tests.collector.feeding import Feeder, feeding
from tests.collector.ingest_samples import NOW_S, NOW_US
from tests.collector.query_support import Made, evaluation, expected, question, random_calls, rows

DAY_US = 86_400_000_000
EVER_MIN = -(2**62)
ALL_KEPT = Retention(minute_days=400, fifteen_minutes_days=400)
# 8 March and 1 November 2026: clocks change in New York; 4 April and 3 October: on Lord Howe, by half an hour. And quiet days.
DATES_US = [1_772_928_000_000_000, 1_793_491_200_000_000, 1_775_260_800_000_000, 1_790_985_600_000_000, NOW_US - 3 * DAY_US]
ZONES = ["", "UTC", "Asia/Kolkata", "Australia/Lord_Howe", "America/New_York"]


@pytest_asyncio.fixture(scope="module")
async def feeder(database_url: str, bus: Bus) -> AsyncIterator[Feeder]:
    async with feeding(database_url, bus) as running:
        yield running


def asking(feeder: Feeder, retention: Retention = ALL_KEPT) -> MetricsQueries:
    """Queries at the time at which the feeder stands."""
    return MetricsQueries(feeder.engine, retention, now_s=lambda: NOW_S)


async def new_project(feeder: Feeder, name: str, time_zone: str = "UTC") -> ProjectInfo:
    """A project of its own for a test."""
    return ProjectInfo(await feeder.add_project(name, time_zone=time_zone), name, time_zone, 10_000)


async def fold(feeder: Feeder, project: ProjectInfo, levels: Sequence[Level] = LEVELS, kept_from_min: int = EVER_MIN) -> None:
    """Folds all that waits at these levels."""
    store = FoldingStore(feeder.engine)
    for level in levels:
        while await store.fold(Due(project.project_id, level), kept_from_min):
            pass


def random_questions(random: Random, project: ProjectInfo, count: int) -> list[Question]:
    """Some days around the calls of `random_calls`, in any grouping, filter, step and zone."""
    asked = []
    for _ in range(count):
        start_us = random.choice(DATES_US) - random.randrange(2 * DAY_US)
        step_min = random.choice([None, 1, 15, 20, 60, 480, 1440, 7 * 1440])
        length_us = random.randrange(1, DAY_US // 2 if step_min == 1 else 9 * DAY_US)
        chosen = {"provider": random.choices("pqz", k=2), "task_type": random.choices("tuv", k=2)}
        kept = {name: values for name, values in chosen.items() if random.random() < 0.3}
        group_by = tuple(random.sample(DIMENSIONS, random.randrange(len(DIMENSIONS) + 1)))
        made = question(project, start_us, start_us + length_us, step_min, time_zone=random.choice(ZONES))
        asked.append(replace(made, group_by=group_by, chosen=SeriesFilter(**{f"{name}s": values for name, values in kept.items()})))
    return asked


async def assert_answers(queries: MetricsQueries, asked: Sequence[Question], calls: Sequence[Made]) -> None:
    """Every question is answered as adding up the calls answers it, and not all of them with nothing."""
    found_any = False
    for one in asked:
        found = rows(await queries.answer(one))
        wanted = expected(one, calls)
        assert found == wanted, one
        found_any |= bool(found)
    assert found_any


@pytest.mark.parametrize(("seed", "time_zone"), [(1, "UTC"), (2, "Asia/Kolkata"), (3, "America/New_York"), (4, "Australia/Lord_Howe")])
async def test_answers_are_the_sums_of_the_calls_whatever_has_been_folded(feeder: Feeder, seed: int, time_zone: str) -> None:
    random = Random(seed)
    project = await new_project(feeder, f"sums-{seed}", time_zone)
    calls = random_calls(random, 400, DATES_US)
    scored = [replace(made, score_nanos=random.randrange(101) * 10_000_000) for made in calls[:50]]
    half = len(calls) // 2
    asked = random_questions(random, project, 20)
    queries = asking(feeder)

    await feeder.feed(project.project, [made.message() for made in calls[:half]])
    await feeder.fold_tasks()
    await assert_answers(queries, asked, calls[:half])
    await fold(feeder, project, [MINUTES])
    await assert_answers(queries, asked, calls[:half])

    # What comes now moves tasks that have been counted, and scores are replaced: the deltas take away, too.
    await feeder.feed(project.project, [made.message() for made in calls[half:]])
    for number, ratio in enumerate((0.25, None)):
        evidence = [evaluation(made, number, NOW_US + number, (made.score_nanos or 0) / 1e9 if ratio is None else ratio) for made in scored]
        await feeder.publish_evidence(project.project, evidence)
        await feeder.store()
    await feeder.fold_tasks()
    everything = [*scored, *calls[50:]]
    await assert_answers(queries, asked, everything)
    await fold(feeder, project, [MINUTES, QUARTERS])
    await assert_answers(queries, asked, everything)
    await fold(feeder, project)
    await assert_answers(queries, asked, everything)


async def test_groups_in_several_slabs_add_up(feeder: Feeder, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(5)
    project = await new_project(feeder, "slabs")
    calls = random_calls(random, 300, DATES_US)
    await feeder.feed(project.project, [made.message() for made in calls[:200]])
    await feeder.fold_tasks()
    await fold(feeder, project)
    await feeder.feed(project.project, [made.message() for made in calls[200:]])
    await feeder.fold_tasks()
    monkeypatch.setattr(slabs, "SLAB_BYTES", 1)
    monkeypatch.setattr(query, "SLAB_BYTES", 1)
    monkeypatch.setattr(gathering, "ENTRIES_MAX", 50)
    await assert_answers(asking(feeder), random_questions(random, project, 20), calls)


async def test_what_is_summed_is_the_same_without_durations(feeder: Feeder) -> None:
    random = Random(6)
    project = await new_project(feeder, "without-durations")
    calls = random_calls(random, 300, DATES_US)
    await feeder.feed(project.project, [made.message() for made in calls[:200]])
    await feeder.fold_tasks()
    await fold(feeder, project)
    await feeder.feed(project.project, [made.message() for made in calls[200:]])
    await feeder.fold_tasks()
    durations = ("latency_s", "time_to_first_token_s", "unsuccessful_latency_s")
    found_any = False
    for one in random_questions(random, project, 20):
        answered = await asking(feeder).answer(replace(one, without_durations=True))
        unknown = np.full((answered.answer.group.size, 4), np.nan)
        found = rows(replace(answered, answer=replace(answered.answer, **dict.fromkeys(durations, unknown))))
        wanted = {place: row | dict.fromkeys(durations, [None] * 4) for place, row in expected(one, calls).items()}
        assert found == wanted
        found_any |= bool(found)
    assert found_any


async def test_minutes_that_are_no_longer_kept_count_in_longer_windows(feeder: Feeder) -> None:
    project = await new_project(feeder, "retention", "Asia/Kolkata")
    queries = asking(feeder, Retention(minute_days=14, fifteen_minutes_days=100))
    calls = random_calls(Random(6), 300, [NOW_US - days * DAY_US for days in (3, 13, 15, 40, 99, 101, 300)])
    await feeder.feed(project.project, [made.message() for made in calls])
    await feeder.fold_tasks()
    for level, days in ((MINUTES, 14), (QUARTERS, 100)):
        kept_from_min = NOW_S // 60 - days * 1440
        await fold(feeder, project, [level], kept_from_min)
        await FoldingStore(feeder.engine).drop_before(level, kept_from_min)
    await fold(feeder, project)
    ranges = [
        (13, 2, 1, ""),
        (60, 1, 15, ""),
        (60, 10, 1440, "America/New_York"),
        (390, 0, 1440, ""),
        (390, 0, 7 * 1440, "Asia/Kolkata"),
    ]
    asked = [question(project, NOW_US - first * DAY_US, NOW_US - last * DAY_US, step, time_zone=zone) for first, last, step, zone in ranges]
    for one in asked:
        await assert_answers(queries, [one], calls)

    with pytest.raises(AssayError) as refused:
        await queries.answer(question(project, NOW_US - 20 * DAY_US, NOW_US - 19 * DAY_US, 1))
    assert (refused.value.reason, refused.value.details["field"]) == ("STEP_NOT_KEPT", "step")


@pytest.mark.parametrize(
    ("field", "start_us", "end_us", "step_min", "time_zone"),
    [
        ("end_time", NOW_US, NOW_US, 1, ""),
        ("end_time", NOW_US, NOW_US - 1, None, ""),
        ("step", NOW_US - DAY_US, NOW_US, 7, ""),
        ("step", NOW_US - DAY_US, NOW_US, 2880, ""),
        ("step", NOW_US - 15 * DAY_US, NOW_US, 1, ""),
        ("time_zone", NOW_US - DAY_US, NOW_US, 60, "Mars/Olympus"),
        ("start_time", 0, NOW_US, None, ""),
    ],
)
async def test_questions_that_cannot_be_answered_are_refused(
    feeder: Feeder,
    field: str,
    *,
    start_us: int,
    end_us: int,
    step_min: int | None,
    time_zone: str,
) -> None:
    asked = question(ProjectInfo(1, "any", "UTC", 10_000), start_us, end_us, step_min, time_zone=time_zone)
    with pytest.raises(AssayError) as refused:
        await asking(feeder).answer(asked)
    assert (refused.value.reason, refused.value.details["field"]) == ("FIELD_INVALID", field)


async def test_an_answer_of_too_many_windows_is_refused(feeder: Feeder, monkeypatch: pytest.MonkeyPatch) -> None:
    project = await new_project(feeder, "large")
    calls = random_calls(Random(8), 60, [NOW_US - DAY_US])
    await feeder.feed(project.project, [made.message() for made in calls])
    monkeypatch.setattr(query, "ANSWER_WINDOWS_MAX", 10)
    monkeypatch.setattr(slabs, "SLAB_BYTES", 1)
    day = question(project, NOW_US - DAY_US, NOW_US, 60)
    assert rows(await asking(feeder).answer(day))
    with pytest.raises(AssayError) as refused:
        await asking(feeder).answer(replace(day, group_by=("task_type",)))
    assert refused.value.reason == "RANGE_TOO_LARGE"


async def test_a_project_without_calls_has_an_empty_answer(feeder: Feeder) -> None:
    project = await new_project(feeder, "empty")
    assert rows(await asking(feeder).answer(question(project, NOW_US - DAY_US, NOW_US, 15))) == {}


async def test_the_newest_receipt_is_that_of_calls_alone(feeder: Feeder) -> None:
    project = await new_project(feeder, "newest")
    queries = asking(feeder)
    assert await queries.newest_receive_us(project) == 0
    await feeder.feed(project.project, [random_calls(Random(9), 1, [NOW_US - DAY_US])[0].message()])
    assert await queries.newest_receive_us(project) == NOW_US


@pytest.mark.parametrize("folded", ["nothing", "minutes", "all"])
async def test_another_zone_of_a_project_makes_its_days_anew(feeder: Feeder, folded: str) -> None:
    project = await new_project(feeder, f"zone-{folded}", "UTC")
    calls = random_calls(Random(10), 200, DATES_US)
    await feeder.feed(project.project, [made.message() for made in calls[:150]])
    await feeder.fold_tasks()
    await fold(feeder, project, {"nothing": [], "minutes": [MINUTES, QUARTERS], "all": LEVELS}[folded])
    await feeder.feed(project.project, [made.message() for made in calls[150:]])
    await feeder.fold_tasks()
    for time_zone in ("Asia/Kolkata", "Asia/Kolkata", "America/New_York", "UTC"):
        project = await moved(feeder, project, time_zone)
        asked = [question(project, NOW_US - 399 * DAY_US, NOW_US, step, group_by=("model",)) for step in (None, 1440)]
        for one in asked:
            await assert_answers(asking(feeder), [one], calls)
    await fold(feeder, project)
    for one in asked:
        await assert_answers(asking(feeder), [one], calls)


async def test_days_whose_quarters_are_gone_outlive_another_zone(feeder: Feeder) -> None:
    project = await new_project(feeder, "zone-old", "UTC")
    calls = random_calls(Random(11), 300, [NOW_US - hours * DAY_US // 24 for hours in range(50 * 24, 60 * 24, 6)])
    await feeder.feed(project.project, [made.message() for made in calls])
    await feeder.fold_tasks()
    await fold(feeder, project)
    cut_min = NOW_S // 60 - 55 * 1440 + 700
    for level in (MINUTES, QUARTERS):
        await FoldingStore(feeder.engine).drop_before(level, cut_min)
    for time_zone in ("Asia/Kolkata", "Asia/Kolkata", "UTC"):
        project = await moved(feeder, project, time_zone)
        whole = question(project, NOW_US - 100 * DAY_US, NOW_US, None)
        # It begins with a whole day, since nothing shorter is kept of that time.
        (found,) = rows(await asking(feeder, Retention(14, 54)).answer(whole)).values()
        (wanted,) = expected(whole, calls).values()
        assert found == wanted | {"end_s": found["end_s"]}
        since = question(project, NOW_US - 53 * DAY_US, NOW_US, 1440)
        await assert_answers(asking(feeder, Retention(14, 54)), [since], calls)


async def test_days_that_have_no_quarters_outlive_another_zone(feeder: Feeder) -> None:
    project = await new_project(feeder, "zone-late", "UTC")
    calls = random_calls(Random(12), 50, [NOW_US - 300 * DAY_US])
    await feeder.feed(project.project, [made.message() for made in calls])
    await feeder.fold_tasks()
    await fold(feeder, project, [MINUTES, QUARTERS], NOW_S // 60 - 100 * 1440)
    for time_zone in ("Asia/Kolkata", "Asia/Kolkata"):
        project = await moved(feeder, project, time_zone)
        week = question(project, NOW_US - 303 * DAY_US, NOW_US - 297 * DAY_US, 7 * 1440, group_by=("provider",))
        found = rows(await asking(feeder, Retention(14, 100)).answer(week))
        assert {key[0]: row["measures"] for key, row in found.items()} == sums_by_provider(calls)


def sums_by_provider(calls: Sequence[Made]) -> dict[tuple[str, ...], list[int]]:
    """The measures of all calls."""
    whole = question(ProjectInfo(1, "any", "UTC", 1), NOW_US - 400 * DAY_US, NOW_US, None, group_by=("provider",))
    return {key[0]: row["measures"] for key, row in expected(whole, calls).items()}


async def moved(feeder: Feeder, project: ProjectInfo, time_zone: str) -> ProjectInfo:
    """The project with another zone, its days made anew."""
    async with feeder.engine.begin() as connection:
        values = {"time_zone": time_zone, "project_id": project.project_id}
        await connection.execute(text("UPDATE collector.project SET time_zone = :time_zone WHERE project_id = :project_id"), values)
    await ZoneChanges(feeder.engine).on_change(project.project_id)
    return replace(project, time_zone=time_zone)
