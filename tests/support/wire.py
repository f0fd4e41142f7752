"""What goes over the wire: a relay between a process and the server that counts statements by name.

It counts what every driver must send, so it needs no extension in the server, and sees each connection of a process
that knows nothing of it.
"""

import asyncio
import contextlib
import re
import urllib.parse
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

_STARTUP_BYTES: Final = 4
_NAME: Final = re.compile(r"/\* dibs (\S+) \*/")
_ENDS_A_ROUND_TRIP: Final = (b"S", b"Q")
"""Sync and a simple query: what a client sends when it then waits for an answer."""


class Wire:
    """Counts of what was sent so far."""

    def __init__(self, server_url: str, folder: Path) -> None:
        self._server_url = server_url
        self._folder = folder
        self._news = asyncio.Condition()
        self.statements: Counter[str] = Counter()
        """How often each statement was executed: by its name, or by its text where it is none of ours."""
        self.round_trips = 0
        """How often a client waited for an answer; to prepare a statement costs one more than to execute it."""
        self.sequence: list[str] = []
        """The statements in the order in which they were executed."""

    @property
    def url(self) -> str:
        """The server by way of this relay."""
        parts = urllib.parse.urlsplit(self._server_url)
        user = parts.netloc.rpartition("@")[0]
        return parts._replace(netloc=f"{user}@", query=urllib.parse.urlencode({"host": str(self._folder)})).geturl()

    async def until(self, statement: str, count: int) -> None:
        """Wait until *statement* was executed so often, all in all."""
        async with asyncio.timeout(60), self._news:
            await self._news.wait_for(lambda: self.statements[statement] >= count)

    async def relay(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Serve one connection until one side ends it."""
        server, to_server = await self._connect()
        both = [
            asyncio.ensure_future(self._forward(client, to_server)),
            asyncio.ensure_future(_copy(server, to_client)),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            to_server.close()
            to_client.close()
            await asyncio.gather(*both, return_exceptions=True)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urllib.parse.urlsplit(self._server_url)
        host = urllib.parse.parse_qs(parts.query).get("host", [parts.hostname or "localhost"])[0]
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{parts.port or 5432}")
        return await asyncio.open_connection(host, parts.port or 5432)

    async def _forward(self, client: asyncio.StreamReader, to_server: asyncio.StreamWriter) -> None:
        length = await client.readexactly(_STARTUP_BYTES)
        to_server.write(length + await client.readexactly(int.from_bytes(length) - _STARTUP_BYTES))
        prepared: dict[bytes, str] = {}
        while True:
            head = await client.readexactly(1 + _STARTUP_BYTES)
            body = await client.readexactly(int.from_bytes(head[1:]) - _STARTUP_BYTES)
            await self._note(head[:1], body, prepared)
            to_server.write(head + body)
            await to_server.drain()

    async def _note(self, kind: bytes, body: bytes, prepared: dict[bytes, str]) -> None:
        self.round_trips += kind in _ENDS_A_ROUND_TRIP
        if kind == b"P":
            name, text, _ = body.split(b"\0", 2)
            prepared[name] = _named(text)
        elif kind == b"Q":
            await self._executed(_named(body.rstrip(b"\0")))
        elif kind == b"B":
            await self._executed(prepared[body.split(b"\0", 2)[1]])

    async def _executed(self, statement: str) -> None:
        self.statements[statement] += 1
        self.sequence.append(statement)
        async with self._news:
            self._news.notify_all()


def _named(text: bytes) -> str:
    sql = text.decode()
    found = _NAME.match(sql)
    return found[1] if found else sql


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()


@contextlib.asynccontextmanager
async def tapped(server_url: str, folder: Path) -> AsyncIterator[Wire]:
    """A relay to the server, whose socket is in *folder*."""
    wire = Wire(server_url, folder)
    relay = await asyncio.start_unix_server(wire.relay, folder / ".s.PGSQL.5432")
    try:
        yield wire
    finally:
        relay.close()
