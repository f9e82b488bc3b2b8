"""What the driver for PostgreSQL raises when the server is away: by itself, so that who asks no more than that need not load SQLAlchemy."""

import asyncio

import asyncpg

# SQLSTATE classes and codes that are about the server and not about the statement: connection lost (08), out of resources such as disk or
# connections (53), cancelled or shut down by an operator (57), an error of the disk (58), a standby that only reads (25006).
_AWAY_STATES = ("08", "53", "57", "58", "25006")
# What the driver says of a connection that the server has left: it is closed, or, where the server died between two messages of a COPY, the
# driver's own account of what is under way is no longer right; that is then told by InternalClientError or by these words.
_LOST_PHRASES = ("closed", "another operation is in progress")


def is_away(error: BaseException) -> bool:
    """Whether an error of the driver or the system says that the server was out of reach or going down."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_AWAY_STATES)
    if isinstance(error, asyncpg.InterfaceError):
        # Also the driver's complaint about its own misuse, or about values that it cannot send, which no waiting helps with.
        return not isinstance(error, ValueError) and any(phrase in str(error) for phrase in _LOST_PHRASES)
    return isinstance(error, (OSError, asyncio.TimeoutError, asyncpg.InternalClientError))
