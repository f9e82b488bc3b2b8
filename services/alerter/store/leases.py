"""Who evaluates which project: leases in PostgreSQL, by its clock, and writing under them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncEngine

from services.alerter.store.alerts import Change, write

# Rows that another replica is claiming at this moment are its own. With the owner the generation changes, so that one who was away for a
# while does not go on with what it remembers.
_CLAIM = text(
    """
    UPDATE alerter.project
    SET generation = generation + (owner <> :owner)::int, owner = :owner,
        lease_end_time = clock_timestamp() + make_interval(secs => :lease_s)
    WHERE project IN (
        SELECT project FROM alerter.project WHERE project = ANY(:projects) AND (owner = :owner OR lease_end_time < clock_timestamp())
        FOR UPDATE SKIP LOCKED
    )
    RETURNING project, generation
    """
).bindparams(bindparam("projects", type_=ARRAY(Text)))
_RELEASE = text("UPDATE alerter.project SET owner = '', lease_end_time = clock_timestamp() WHERE owner = :owner")
_OURS = "SELECT generation FROM alerter.project WHERE project = :project AND owner = :owner AND lease_end_time > clock_timestamp()"
_OWNED = text(_OURS)
_HOLD = text(f"{_OURS} FOR UPDATE")


class LeaseStore:
    """The leases of one replica, which is known by `owner`."""

    def __init__(self, engine: AsyncEngine, owner: str) -> None:
        self._engine = engine
        self._owner = owner

    async def claim(self, projects: Sequence[str], lease_s: float) -> dict[str, int]:
        """Extends what is owned and takes what nobody owns; returns the generations of what is owned now."""
        async with self._engine.begin() as connection:
            rows = await connection.execute(_CLAIM, {"owner": self._owner, "lease_s": lease_s, "projects": list(projects)})
            return {row.project: row.generation for row in rows}

    async def owned(self, project: str) -> int | None:
        """The project's generation, None where it is not ours."""
        async with self._engine.connect() as connection:
            generation: int | None = await connection.scalar(_OWNED, {"project": project, "owner": self._owner})
            return generation

    async def release(self) -> None:
        """Gives up all that is owned, for others to take at once."""
        async with self._engine.begin() as connection:
            await connection.execute(_RELEASE, {"owner": self._owner})

    async def commit(self, project: str, generation: int, changes: Sequence[Change], now: datetime) -> bool:
        """Writes what was computed on a generation; returns whether that was still the present one, and the project still owned.

        Nobody else can claim or change the project between that look and the commit, since its row is locked.
        """
        async with self._engine.begin() as connection:
            present = await connection.scalar(_HOLD, {"project": project, "owner": self._owner})
            if present != generation:
                return False
            await write(connection, project, changes, now)
            return True
