"""PostgreSQL: whether it answers, what it promises of its disk, its clock, the versions of the tables, and what was kept aside."""

import asyncio
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from cli.work.database import SCHEMAS, schema_state
from cli.work.doctor.finding import Finding, ok, trouble, warning
from cli.work.doctor.machine import look_at_clock, now
from kit import database
from kit.errors import AssayError
from kit.tls import ClientFiles

ANSWER_TIMEOUT_S = 15.0
# Off, an acknowledged call can be lost with the power.
_PROMISES = ("fsync", "full_page_writes")
_PRAGMATIC = text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)")
_CONNECTIONS = text("SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity WHERE backend_type = 'client backend'")
# Of the connections: beyond it a process more may find none.
CONNECTIONS_RATIO_MAX = 0.9
# A transaction that is open for so long keeps old rows from being removed.
OLD_TRANSACTION_S = 3_600
_OLDEST = text(
    "SELECT coalesce(extract(epoch FROM max(now() - xact_start)), 0)::float FROM pg_stat_activity "
    "WHERE backend_type = 'client backend' AND state <> 'active' AND datname = current_database()"
)
_DEAD_LETTERS = text("SELECT count(*) FROM collector.dead_letter")


async def look_at_database(url: str, files: ClientFiles | None) -> list[Finding]:
    """Everything about the database at the URL."""
    try:
        async with (
            asyncio.timeout(ANSWER_TIMEOUT_S),
            database.engine(url, name="assay doctor", pool_size=1, files=files) as engine,
            engine.connect() as connection,
        ):
            return await _of_connection(connection)
    except AssayError as error:
        return [trouble("database", error.message, "correct ASSAY_DATABASE_URL or ASSAY_DATABASE_TLS_CA")]
    except Exception as error:
        if not (database.is_connection_error(error) or isinstance(error, TimeoutError)):
            raise
        why = str(error.__cause__ or error) or "no answer"
        return [trouble("database", f"cannot be reached: {why}", "see that PostgreSQL runs and that ASSAY_DATABASE_URL is right")]


async def _of_connection(connection: AsyncConnection) -> list[Finding]:
    server = (await connection.execute(text("SHOW server_version"))).scalar_one()
    try:
        await database.check_server(connection)
    except AssayError as error:
        return [trouble("database", error.message, f"use PostgreSQL {database.SERVER_VERSION_MIN} to {database.SERVER_VERSION_MAX}")]
    before = now()
    theirs = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
    findings = [ok("database", f"PostgreSQL {server} answers"), look_at_clock("the database", theirs, before, now())]
    findings += await _promises(connection)
    findings += await _load(connection)
    states = [await schema_state(connection, name) for name in SCHEMAS]
    findings += [_schema(state) for state in states]
    if states[0]["version"] is not None:
        findings += _dead_letters((await connection.execute(_DEAD_LETTERS)).scalar_one())
    return findings


async def _promises(connection: AsyncConnection) -> list[Finding]:
    found = {row.name: row.setting for row in await connection.execute(_PRAGMATIC, {"names": [*_PROMISES, "autovacuum"]})}
    findings = [
        trouble("database", f"{name} is off: an acknowledged call can be lost with the power", f"set {name} = on in postgresql.conf")
        for name in _PROMISES
        if found[name] != "on"
    ]
    if found["autovacuum"] != "on":
        findings.append(trouble("database", "autovacuum is off: tables grow for ever", "set autovacuum = on in postgresql.conf"))
    return findings or [ok("database", "what is committed is on its disk (fsync, full_page_writes), and autovacuum is on")]


async def _load(connection: AsyncConnection) -> list[Finding]:
    count, count_max = (await connection.execute(_CONNECTIONS)).one()
    findings = []
    if count > count_max * CONNECTIONS_RATIO_MAX:
        findings.append(warning("database", f"{count} of {count_max} connections are taken", "raise max_connections"))
    open_s = (await connection.execute(_OLDEST)).scalar_one()
    if open_s > OLD_TRANSACTION_S:
        findings.append(
            warning("database", f"a transaction has been idle for {open_s / 3_600:.1f} h", "end it: old rows cannot be removed meanwhile")
        )
    return findings


def _schema(state: dict[str, Any]) -> Finding:
    name, version, newest = state["schema"], state["version"], database.newest_version(SCHEMAS[state["schema"]])
    if version is None:
        return warning("tables", f"there is no schema {name} yet", f"start the {name}, which makes it, or run `assay db migrate`")
    if version > newest:
        return trouble("tables", f"schema {name} is at {version}, and this program knows {newest}", "use the newer program that made it")
    if version < newest:
        return warning("tables", f"schema {name} is at {version} of {newest}", "restart its service, or run `assay db migrate`")
    return ok("tables", f"schema {name} is at {version}, {state['bytes'] / 1_000_000:,.1f} MB")


def _dead_letters(count: int) -> list[Finding]:
    if not count:
        return []
    advice = "see `reason` in collector.dead_letter and the writer's log: it is a bug, and the messages are kept for as long as calls"
    return [trouble("dead letters", f"{count:,} messages could not be stored", advice)]
