"""Operations on an asyncpg connection through a pooler that lends it for a transaction at a time."""

from collections.abc import Callable, Mapping, Sequence

from dibs.storage.session import Row, Step
from dibs.storage.sessions.on_asyncpg import Connection, OnAsyncpg
from dibs.storage.statement import quote


class OnPooler(OnAsyncpg):
    """A session whose settings go with each step, in a transaction of its own; an open transaction is joined."""

    def __init__(
        self,
        connection: Connection,
        schema: str,
        *,
        settings: Mapping[str, str],
        gets_on: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(connection, schema, gets_on=gets_on)
        said = "".join(f"; set local {quote(name)} = '{value}'" for name, value in settings.items())
        self._begin = f"begin isolation level read committed{said}"

    async def execute(self, step: Step) -> Sequence[Row]:
        """Run one step and give its rows."""
        if self._connection.is_in_transaction():
            return await super().execute(step)
        await self._connection.execute(self._begin)
        try:
            rows = await super().execute(step)
        except BaseException:
            if not self._connection.is_closed():
                await self._connection.execute("rollback")
            raise
        await self._connection.execute("commit")
        return rows
