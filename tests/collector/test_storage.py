"""How much the tables hold, as PostgreSQL's catalogue tells."""

from services.collector.store.read_storage import StorageReader
from tests.collector.feeding import Feeder
from tests.collector.reading_support import DEFAULT
from tests.collector.writing_support import change, started


async def test_a_table_counts_with_all_of_its_partitions(feeder: Feeder) -> None:
    await feeder.publish(DEFAULT, [started(feeder, call_id=f"stored-{number}") for number in range(20)])
    await feeder.store()
    await change(feeder.engine, "ANALYZE collector.call")
    database_byte_count, tables = await StorageReader(feeder.engine).sizes()
    by_name = {table.name: table for table in tables}
    assert by_name["call"].row_count == 20
    assert by_name["call"].byte_count > 0
    assert not [name for name in by_name if name.startswith("call_")]
    assert sum(table.byte_count for table in tables) <= database_byte_count
    assert [table.byte_count for table in tables] == sorted((table.byte_count for table in tables), reverse=True)
