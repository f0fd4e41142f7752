"""The proxy before Postgres: it passes, it holds back, it delivers late, it swallows, it strands."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chaos.proxy import Proxy

SOCKET = ".s.PGSQL.5432"


class Echo:
    """Stands for the server: says again what it hears, and keeps it."""

    def __init__(self) -> None:
        self.heard = b""
        self.news = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(1000):
            self.heard += piece
            self.news.set()
            writer.write(piece)
        self.news.set()
        writer.close()


@pytest.fixture
async def echo(short_folder: Path) -> AsyncIterator[Echo]:
    echo = Echo()
    async with await asyncio.start_unix_server(echo.serve, short_folder / SOCKET):
        yield echo


@pytest.fixture
async def proxy(short_folder: Path, echo: Echo) -> AsyncIterator[Proxy]:
    proxy = Proxy(short_folder, short_folder / "proxy")
    await proxy.open()
    yield proxy
    await proxy.close()


async def connected(folder: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_unix_connection(folder / "proxy" / SOCKET)


async def test_it_passes_both_ways(proxy: Proxy, short_folder: Path):
    reader, writer = await connected(short_folder)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    writer.close()


async def test_what_was_sent_while_it_was_cut_arrives_once_it_is_healed(proxy: Proxy, echo: Echo, short_folder: Path):
    reader, writer = await connected(short_folder)
    writer.write(b"before ")
    assert await reader.readexactly(7) == b"before "
    proxy.cut()
    writer.write(b"meanwhile")
    answer = asyncio.ensure_future(reader.readexactly(9))
    new_reader, new_writer = await connected(short_folder)
    new_writer.write(b"new")
    done, _ = await asyncio.wait({answer}, timeout=0.1)
    assert (done, echo.heard) == (set(), b"before ")
    proxy.heal()
    assert await answer == b"meanwhile"
    assert await new_reader.readexactly(3) == b"new"
    writer.close()
    new_writer.close()


async def test_what_was_sent_before_a_reset_is_swallowed_and_new_connections_pass(
    proxy: Proxy, echo: Echo, short_folder: Path
):
    reader, writer = await connected(short_folder)
    writer.write(b"before")
    assert await reader.readexactly(6) == b"before"
    proxy.cut()
    writer.write(b"swallowed")
    proxy.reset()
    with pytest.raises((asyncio.IncompleteReadError, OSError)):
        await reader.readexactly(9)
    new_reader, new_writer = await connected(short_folder)
    new_writer.write(b"after")
    assert await new_reader.readexactly(5) == b"after"
    assert echo.heard == b"beforeafter"
    writer.close()
    new_writer.close()


async def test_a_stranded_connection_says_nothing_ever_again_and_new_ones_pass(
    proxy: Proxy, echo: Echo, short_folder: Path
):
    reader, writer = await connected(short_folder)
    writer.write(b"before")
    assert await reader.readexactly(6) == b"before"
    proxy.strand()
    writer.write(b"swallowed")
    new_reader, new_writer = await connected(short_folder)
    new_writer.write(b"after")
    assert await new_reader.readexactly(5) == b"after"
    proxy.heal()
    new_writer.write(b" that")
    assert await new_reader.readexactly(5) == b" that"
    assert echo.heard == b"beforeafter that"
    assert not reader.at_eof()
    writer.close()
    new_writer.close()


async def test_an_end_is_handed_on(proxy: Proxy, echo: Echo, short_folder: Path):
    _, writer = await connected(short_folder)
    writer.write(b"bye")
    await echo.news.wait()
    echo.news.clear()
    writer.close()
    await echo.news.wait()
