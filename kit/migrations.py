"""Migrations of one schema, by Alembic. Called by kit.database where there is something to do."""

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from kit.errors import AssayError, Kind


def upgrade(connection: Connection, schema: str, package: str, version: str = "head") -> None:
    """Brings the schema to a version of the package, the newest unless told. Raises FAILED_PRECONDITION for one that is newer still."""
    config = Config()
    config.set_main_option("script_location", f"{package}:")
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}

    def steps(current: tuple[str, ...], _context: object) -> list[object]:
        unknown = set(current) - known
        if unknown:
            raise AssayError(
                Kind.FAILED_PRECONDITION,
                "SCHEMA_NEWER",
                f"the database's schema {schema} is at version {', '.join(unknown)}, which this version of Assay does not know: "
                "start the newer version that made it",
            )
        return list(script._upgrade_revs(version, current))  # type: ignore[arg-type]  # noqa: SLF001 - Alembic's own commands do the same

    with EnvironmentContext(config, script, fn=steps) as environment:
        environment.configure(
            connection=connection,
            version_table="alembic_version",
            version_table_schema=schema,
            transaction_per_migration=False,
        )
        with environment.begin_transaction():
            environment.run_migrations()
