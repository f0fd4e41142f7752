"""A client of the API, as any program would write it."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx2

from dibs_ingest.errors import IngestError

#: The API pings every 15 seconds; a stream that is silent for longer is dead.
_SILENCE_SECONDS = 45.0
_RECONNECTS_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A server-sent event."""

    name: str
    data: Mapping[str, Any]
    id: str


class Client:
    """Talks to the API at *base_url*."""

    def __init__(self, base_url: str) -> None:
        self._http = httpx2.Client(base_url=base_url, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def upload(self, paths: Sequence[Path]) -> Mapping[str, Any]:
        """Upload files in one request."""
        with contextlib.ExitStack() as stack:
            files = [("files", (path.name, stack.enter_context(path.open("rb")))) for path in paths]
            return self._answer(self._http.post("/upload", files=files))

    def events(self, batch_id: int) -> Iterator[Event]:
        """Follow a batch to its end, through lost connections."""
        last_id = ""
        for _ in range(_RECONNECTS_MAX):
            headers = {"last-event-id": last_id} if last_id else {}
            timeout = httpx2.Timeout(60, read=_SILENCE_SECONDS)
            with (
                contextlib.suppress(httpx2.TransportError),
                self._http.stream("GET", f"/tasks/{batch_id}/events", headers=headers, timeout=timeout) as stream,
            ):
                for event in _parse(stream.iter_lines()):
                    last_id = event.id
                    yield event
                    if event.name == "finished":
                        return
        raise IngestError(f"The stream of events broke off {_RECONNECTS_MAX} times.")

    def status(self, batch_id: int) -> Mapping[str, Any]:
        """How far a batch has come."""
        return self._answer(self._http.get(f"/tasks/{batch_id}/status"))

    def search(self, question: str, *, limit: int) -> Mapping[str, Any]:
        """Ask something."""
        return self._answer(self._http.get("/search", params={"q": question, "limit": limit}))

    def documents(self) -> Mapping[str, Any]:
        """What is indexed."""
        return self._answer(self._http.get("/documents", params={"limit": 1000}))

    @staticmethod
    def _answer(response: httpx2.Response) -> Mapping[str, Any]:
        if response.is_error:
            raise IngestError(f"{response.request.url.path} answered {response.status_code}: {response.text[:1000]}")
        answer: Mapping[str, Any] = response.json()
        return answer


def _parse(lines: Iterator[str]) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in lines:
        if not line:
            if "data" in fields:
                data = json.loads(fields["data"])
                yield Event(name=fields.get("event", "message"), data=data, id=fields.get("id", ""))
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
