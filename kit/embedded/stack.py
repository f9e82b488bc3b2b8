"""PostgreSQL and NATS together, under a supervisor: for `assay up`, and on their own for tests and tools."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from kit.embedded.datadir import FREE_BYTES_MIN, DataDir, open_data_dir
from kit.embedded.nats import STORE_BYTES_MAX, Nats
from kit.embedded.postgres import Postgres
from kit.supervisor import ORDINARY_RESTARTS, RestartPolicy, Supervisor


@dataclass(frozen=True)
class Stack:
    """Running servers. The URLs hold passwords and stay the same while a server is restarted."""

    data: DataDir
    supervisor: Supervisor
    postgres: Postgres
    nats: Nats

    @property
    def database_url(self) -> str:
        """SQLAlchemy's URL of the database `assay`, for asyncpg."""
        return self.postgres.url()

    @property
    def nats_url(self) -> str:
        """NATS as the services use it."""
        return self.nats.url()

    @property
    def nats_system_url(self) -> str:
        """NATS' system account, for reading the server's own state."""
        return self.nats.system_url()

    async def create_database(self, name: str) -> str:
        """Makes another empty database and gives its URL."""
        return await self.postgres.create_database(name)


async def start_databases(
    supervisor: Supervisor,
    data: DataDir,
    *,
    postgres_port: int = 0,
    nats_port: int = 0,
    nats_store_bytes_max: int = STORE_BYTES_MAX,
    restart: RestartPolicy = ORDINARY_RESTARTS,
) -> Stack:
    """Starts both as the supervisor's next stage; they run until its block is left.

    With `postgres_port` 0 PostgreSQL listens on its socket alone; with `nats_port` 0 NATS picks a port. Raises
    AssayError with one line on what to do, or StopRequested.
    """
    postgres = Postgres(data, port=postgres_port)
    nats = Nats(data, port=nats_port, store_bytes_max=nats_store_bytes_max)
    await supervisor.run(postgres.prepare())
    await supervisor.start(postgres.child(restart), nats.child(restart))
    return Stack(data, supervisor, postgres, nats)


@asynccontextmanager
async def embedded_stack(
    directory: Path, *, free_bytes_min: int = FREE_BYTES_MIN, restart: RestartPolicy = ORDINARY_RESTARTS
) -> AsyncIterator[Stack]:
    """Both servers on the directory, as durable as in production, until the block is left. For fixtures and tools."""
    with open_data_dir(directory, free_bytes_min=free_bytes_min) as data:
        async with Supervisor(data.logs) as supervisor:
            yield await start_databases(supervisor, data, restart=restart)
