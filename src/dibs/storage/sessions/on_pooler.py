"""Operations on an asyncpg connection through a pooler that lends it for a transaction at a time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import asyncpg

from dibs.storage.session import Row, Step
from dibs.storage.sessions.on_asyncpg import Connection, OnAsyncpg
from dibs.storage.statement import quote

_INSTEAD: Final = {
    # Before asyncpg asks the server for a type, it turns `jit` off for the session, and on again if it was on. It would
    # take our `off` for the session's own, and leave that behind on a connection that others get next.
    "jit": ("jit_above_cost", "-1"),
}
"""What says the same of a transaction as a setting says of a session, where it has to be said in another way."""


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
        local = (_INSTEAD.get(name, (name, value)) for name, value in settings.items())
        said = "".join(f"; set local {quote(name)} = '{value}'" for name, value in local)
        self._begin = f"begin isolation level read committed{said}"

    async def execute(self, step: Step) -> Sequence[Row]:
        """Run one step and give its rows."""
        if self._connection.is_in_transaction():
            return await super().execute(step)
        try:
            await self._connection.execute(self._begin)
            rows = await super().execute(step)
            await self._connection.execute("commit")
        except Exception:
            await self._roll_back()
            raise
        except BaseException:
            # Cancelled, be it in the middle of `begin` or `commit`. Were the transaction left open, the next step would
            # join it, and nobody would ever commit that.
            self._connection.terminate()
            raise
        return rows

    async def _roll_back(self) -> None:
        try:
            await self._connection.execute("rollback")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):  # what went wrong first is the one to be told
            self._connection.terminate()
        except BaseException:  # cancelled
            self._connection.terminate()
            raise
