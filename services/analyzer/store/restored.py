"""What is to be done about what the analyzer kept when a backup of it is restored."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_TELL_AGAIN = text("UPDATE analyzer.score SET is_told = false WHERE is_told")


async def tell_again(connection: AsyncConnection) -> None:
    """Has the collector told of all scores again: some may have been on their way. What it has already changes nothing there."""
    await connection.execute(_TELL_AGAIN)
