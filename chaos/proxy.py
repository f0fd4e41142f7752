"""A proxy before Postgres, one for each worker, that can be cut like a network.

While it is cut, nothing passes either way and nobody is told: connections stay open, new ones get no answer, and an end
that one side makes of a connection is not seen by the other. Healed, it delivers late what was sent meanwhile, as TCP
does. Reset, it swallows that, and both sides find their connections broken. Stranded connections are half-open: what is
sent on them is swallowed, and neither side ever finds out.
"""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

_SOCKET_NAME: Final = ".s.PGSQL.5432"
_PIECE_BYTES: Final = 65_536


class Proxy(contextlib.AbstractAsyncContextManager["Proxy"]):
    """Stands in *folder* for the Postgres whose socket is in *server*."""

    def __init__(self, server: Path, folder: Path) -> None:
        self._server = server / _SOCKET_NAME
        self._folder = folder
        self._listener: asyncio.Server | None = None
        self._is_whole = asyncio.Event()
        self._is_whole.set()
        self._connections: set[asyncio.Task[None]] = set()
        self._fatal_words: bytes | None = None

    @property
    def dsn(self) -> str:
        """The way to the server through here."""
        return f"postgresql://postgres@/postgres?host={self._folder}"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Begin to listen."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._listener = await asyncio.start_unix_server(self._accept, self._folder / _SOCKET_NAME)

    async def close(self) -> None:
        """Break all connections and take no more."""
        if self._listener is not None:
            self._listener.close()
        self.reset()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def cut(self) -> None:
        """Let nothing pass."""
        self._is_whole.clear()

    def heal(self) -> None:
        """Let everything pass again, beginning with what was sent meanwhile."""
        self._is_whole.set()

    def reset(self) -> None:
        """Break all connections, with what is under way on them, and let new ones pass."""
        for connection in self._connections:
            connection.cancel()
        self._is_whole.set()

    def strand(self) -> None:
        """Let nothing pass on the connections that are there, ever again, and tell nobody; let new ones pass."""
        self._is_whole.clear()
        self._is_whole = asyncio.Event()
        self._is_whole.set()

    def break_at_answer_to(self, words: bytes) -> None:
        """Let the server have the next piece that has *words* in it, and break that connection when it answers."""
        self._fatal_words = words

    def _is_fatal(self, piece: bytes) -> bool:
        if self._fatal_words is None or self._fatal_words not in piece:
            return False
        self._fatal_words = None
        return True

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.ensure_future(self._connect(reader, writer, self._is_whole))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _connect(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_whole: asyncio.Event
    ) -> None:
        ends = [writer]
        pumps: list[asyncio.Task[None]] = []
        try:
            await is_whole.wait()
            from_server, to_server = await asyncio.open_unix_connection(self._server)
            ends.append(to_server)
            is_doomed = asyncio.Event()

            def asked(piece: bytes) -> bool:
                if self._is_fatal(piece):
                    is_doomed.set()
                return True

            pumps = [
                asyncio.ensure_future(_pump(reader, to_server, is_whole, asked)),
                asyncio.ensure_future(_pump(from_server, writer, is_whole, lambda _: not is_doomed.is_set())),
            ]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.close()
        except OSError:
            pass  # no server there: the worker's connection is broken below, as the server's own would be
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for end in ends:
                if not end.is_closing():
                    end.transport.abort()


async def _pump(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    is_whole: asyncio.Event,
    may_pass: Callable[[bytes], bool],
) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(_PIECE_BYTES):
            await is_whole.wait()
            if not may_pass(piece):
                return
            writer.write(piece)
            await writer.drain()
        await is_whole.wait()  # the end of a connection does not pass either
