"""Versions of price tables, numbered."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine


class PriceVersionStore:
    """Numbers the versions of price tables that calls were priced with. 0 is none."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._ids = {"": 0}

    async def prepare(self, versions: set[str]) -> None:
        """Makes sure that `id_of` knows these versions."""
        for version in sorted(versions - self._ids.keys()):
            async with self._engine.begin() as connection:
                await connection.execute(
                    text("INSERT INTO collector.price_version (price_version) VALUES (:version) ON CONFLICT DO NOTHING"),
                    {"version": version},
                )
                found = await connection.execute(
                    text("SELECT price_version_id FROM collector.price_version WHERE price_version = :version"),
                    {"version": version},
                )
                self._ids[version] = int(found.scalar_one())

    def id_of(self, version: str) -> int:
        """The number of a version that `prepare` was called with."""
        return self._ids[version]
