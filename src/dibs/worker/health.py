"""A worker's health over HTTP, for probes: `GET /health` is answered with 200, or with 503 and what is wrong.

Served by the event loop that runs the jobs: while that is blocked nothing answers, which a probe takes for what it is.
The few words of HTTP that a probe speaks are not worth a dependency.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from dibs.domain.errors import ConfigError

REQUEST_SECONDS: Final = 5.0
"""A client that takes longer to say what it wants is hung up on."""

REQUEST_BYTES_MAX: Final = 8_192

Problems = Callable[[], Sequence[str]]


@contextlib.asynccontextmanager
async def served(address: tuple[str, int] | None, problems: Problems) -> AsyncIterator[None]:
    """Serve at *address* (host and port; None: not at all) for as long as the block lasts.

    Raises:
        ConfigError: The address can not be listened at.
    """
    if address is None:
        yield
        return

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(REQUEST_SECONDS):
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(_response(request, problems))
                await writer.drain()
        writer.close()

    host, port = address
    try:
        server = await asyncio.start_server(answer, host, port, limit=REQUEST_BYTES_MAX)
    except OSError as error:
        raise ConfigError(f"can not listen for health probes at {host}:{port}: {error.strerror or error}") from error
    async with server:
        yield


def _response(request: bytes, problems: Problems) -> bytes:
    method, _, rest = request.partition(b" ")
    path = rest.partition(b" ")[0].partition(b"?")[0]
    if path != b"/health":
        return _http("404 Not Found", {"status": "there is only /health"}, method)
    if method not in {b"GET", b"HEAD"}:
        return _http("405 Method Not Allowed", {"status": "only GET and HEAD"}, method)
    found = list(problems())
    status = "503 Service Unavailable" if found else "200 OK"
    return _http(status, {"status": "; ".join(found) or "ok"}, method)


def _http(status: str, body: dict[str, str], method: bytes) -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if method == b"HEAD" else content)
