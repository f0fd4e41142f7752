"""A running service: a real API process, a real worker process, a real database."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from dibs_ingest.demo.client import Client, Event
from dibs_ingest.run.processes import api_command, free_port, worker_command
from dibs_ingest.run.serve import environment, prepare
from dibs_ingest.settings import Settings
from support.processes import Child
from support.waiting import eventually_sync


@dataclass(slots=True, kw_only=True)
class Running:
    """The service, seen from outside."""

    settings: Settings
    database_url: str
    http: httpx2.Client
    client: Client
    api: Child
    _stack: ExitStack = field(repr=False)

    def start_worker(self) -> Child:
        """Start a worker; it ends with the service."""
        variables = environment(self.settings, self.database_url)
        worker = self._stack.enter_context(Child(worker_command(slots=2), env=variables))
        worker.wait_for(r"worker \d+ serves", within=60)
        return worker

    def post(self, *files: tuple[str, bytes]) -> httpx2.Response:
        """Upload files."""
        return self.http.post("/upload", files=[("files", file) for file in files])

    def upload(self, *files: tuple[str, bytes]) -> Mapping[str, Any]:
        """Upload files that are taken."""
        answer = self.post(*files)
        assert answer.status_code == 202, answer.text
        taken: Mapping[str, Any] = answer.json()
        return taken

    def ingest(self, *files: tuple[str, bytes]) -> Event:
        """Upload files and follow them to their end; the last event."""
        *_, last = self.client.events(self.upload(*files)["batch_id"])
        assert last.name == "finished"
        return last

    @property
    def spooled(self) -> list[Path]:
        """Files in the spool."""
        return list(self.settings.spool_folder.iterdir())


@contextmanager
def run_service(settings: Settings, database_url: str, *, worker: bool = True) -> Iterator[Running]:
    """Run the service on *database_url*."""
    prepare(settings, database_url, print)
    with ExitStack() as stack:
        port = free_port()
        api = stack.enter_context(Child(api_command("127.0.0.1", port), env=environment(settings, database_url)))
        base_url = f"http://127.0.0.1:{port}"
        http = stack.enter_context(httpx2.Client(base_url=base_url, timeout=60))
        client = stack.enter_context(Client(base_url))
        eventually_sync(_answers(http, api), within=60, what="the API answers")
        running = Running(settings=settings, database_url=database_url, http=http, client=client, api=api, _stack=stack)
        if worker:
            running.start_worker()
        yield running


def _answers(http: httpx2.Client, api: Child) -> Callable[[], bool]:
    def ask() -> bool:
        assert api.is_alive, api.output
        try:
            return http.get("/health").status_code == httpx2.codes.OK
        except httpx2.TransportError:
            return False

    return ask
