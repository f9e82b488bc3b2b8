"""Series are bounded in number, and their numbers are the same for all writers."""

from unittest.mock import patch

from services.collector.store import series as series_store
from services.collector.store.prices import PriceVersionStore
from services.collector.store.series import SeriesStore
from tests.collector.feeding import Feeder
from tests.collector.writing_support import DEFAULT, OTHER, assert_rollups_equal_calls, call_ids, change, rows, started, value

COUNT = "SELECT count(*) FROM collector.series WHERE project_id = :project_id"


async def test_ten_thousand_model_names_are_stored_in_a_bounded_number_of_series(feeder: Feeder) -> None:
    await change(feeder.engine, "UPDATE collector.project SET series_limit = 100 WHERE project = 'default'")
    for batch in range(5):
        calls = [started(feeder, call_id=f"c-{batch}-{number}", model=f"m-{batch}-{number}", task_id="") for number in range(2_000)]
        await feeder.publish(DEFAULT, calls)
    await feeder.publish(OTHER, [started(feeder, call_id="a")])
    await feeder.store()
    assert await value(feeder.engine, COUNT, project_id=1) <= 201
    assert len(await call_ids(feeder.engine)) == 10_000
    found = await rows(feeder.engine, "SELECT DISTINCT provider, model FROM collector.series WHERE project_id = 2")
    assert found == [("anthropic", "claude-sonnet-4-5")]
    await assert_rollups_equal_calls(feeder)


async def test_many_task_types_of_one_model_fold_into_one_series(feeder: Feeder) -> None:
    await change(feeder.engine, "UPDATE collector.project SET series_limit = 3 WHERE project = 'default'")
    await feeder.feed(DEFAULT, [started(feeder, call_id=f"c-{number}", task_type=f"t-{number}") for number in range(50)])
    await feeder.feed(DEFAULT, [started(feeder, call_id="d", task_type="t-99"), started(feeder, call_id="e", task_type="t-0")])
    assert await value(feeder.engine, COUNT, project_id=1) == 4
    folded = await rows(feeder.engine, "SELECT provider, model, prompt_name FROM collector.series WHERE task_type = 'other'")
    assert folded == [("anthropic", "claude-sonnet-4-5", "")]


async def test_a_limit_that_is_raised_makes_room_also_for_names_that_were_folded(feeder: Feeder) -> None:
    store = SeriesStore(feeder.engine)
    names = [f"p\0m\0t-{number}\0\0" for number in range(4)]
    await store.prepare(1, 2, names)
    await store.prepare(2, 2, names[:1])
    assert len(set(store.ids(1, names).tolist())) == 3
    await store.prepare(1, 10, names)
    assert len(set(store.ids(1, names).tolist())) == 4
    assert store.ids(2, names[:1]).size == 1


async def test_what_is_remembered_is_bounded_and_read_again(feeder: Feeder) -> None:
    store = SeriesStore(feeder.engine)
    names = [f"p\0m\0t-{number}\0\0" for number in range(4)]
    await store.prepare(1, 10, names)
    before = store.ids(1, names).tolist()
    with patch.object(series_store, "CACHE_MAX", 3):
        store.forget_if_many()
        await store.prepare(2, 10, names)
        await store.prepare(1, 10, names)
    assert store.ids(1, names).tolist() == before


async def test_price_versions_are_numbered_once_for_all(feeder: Feeder) -> None:
    one, other = PriceVersionStore(feeder.engine), PriceVersionStore(feeder.engine)
    await one.prepare({"", "v-1", "v-2"})
    await other.prepare({"v-2", "v-1"})
    assert one.id_of("") == 0
    assert [one.id_of(version) for version in ("v-1", "v-2")] == [other.id_of(version) for version in ("v-1", "v-2")]


async def test_a_series_that_another_writer_has_added_meanwhile_is_found(feeder: Feeder) -> None:
    one, other = SeriesStore(feeder.engine), SeriesStore(feeder.engine)
    names = [f"p\0m\0t-{number}\0\0" for number in range(3)]
    await one.prepare(1, 2, names)
    await other.prepare(1, 2, [*names, "p\0m\0new\0\0"])
    await other.prepare(1, 2, names)
    assert one.ids(1, names).tolist() == other.ids(1, names).tolist()
