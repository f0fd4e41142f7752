"""`dibs-ingest demo`."""

import asyncio
import os
import secrets
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from dibs_ingest.api.views import INTERNAL
from dibs_ingest.demo.check import count_everything, drop_schemas
from dibs_ingest.demo.client import Client
from dibs_ingest.demo.display import display_for
from dibs_ingest.demo.rescue import Rescue
from dibs_ingest.errors import IngestError
from dibs_ingest.run.database import VARIABLE, database
from dibs_ingest.run.processes import Child, api_command, free_port, wait_until_ready, worker_command
from dibs_ingest.run.serve import environment, prepare
from dibs_ingest.settings import Settings

QUESTIONS = (
    "How do I keep transaction IDs from wrapping around?",
    "Where do host-specific configuration files belong?",
    "how is the license of a file declared in debian/copyright",
)
SLOTS = 2
_ANSWERS = 2


@dataclass(slots=True, kw_only=True)
class Timings:
    """What took how long, in seconds."""

    upload: float = 0.0
    ingest: float = 0.0
    searches: tuple[float, ...] = ()


def run_demo(settings: Settings, documents: Path, *, kill: bool, console: Console) -> None:
    """Upload *documents* to a service of its own, follow them into the index, search, and clean up.

    Raises:
        IngestError: If anything did not go as it should; the message says what.
    """
    started = time.monotonic()
    paths = sorted(path for path in documents.iterdir() if path.is_file() and path.name != "SOURCES.md")
    if not paths:
        raise IngestError(f"There are no documents in {documents}.")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dibs-demo-", ignore_cleanup_errors=True)))
        url = stack.enter_context(database(folder))
        own = _own_settings(settings, folder)
        if os.environ.get(VARIABLE):
            stack.callback(lambda: asyncio.run(drop_schemas(own, url)))
        prepare(own, url, console.print)
        console.print(f"Starting the API and a worker with {SLOTS} slots ...")
        timings = _run(own, url, folder, paths, kill=kill, console=console)
        found, chunks = asyncio.run(count_everything(own, url, files=len(paths)))
        console.print(
            f"\nCounted in the database: {found} documents, {chunks} chunks, each exactly once.",
            highlight=False,
        )
        _print_timings(console, timings, chunks, time.monotonic() - started)


def _own_settings(settings: Settings, folder: Path) -> Settings:
    """A place of its own for everything but the model, which is made once for all."""
    settings = replace(settings, data=folder, models=settings.models_folder.resolve())
    if not os.environ.get(VARIABLE):
        return settings
    mark = secrets.token_hex(4)
    return replace(settings, schema=f"demo_{mark}_ingest", jobs_schema=f"demo_{mark}_dibs")


def _run(settings: Settings, url: str, folder: Path, paths: Sequence[Path], *, kill: bool, console: Console) -> Timings:
    variables = environment(settings, url)

    def start_worker() -> Child:
        child = Child.start("worker", worker_command(slots=SLOTS), variables, folder / "worker.log")
        stack.callback(child.stop)
        return child

    with ExitStack() as stack:
        port = free_port()
        worker = start_worker()
        api = Child.start("API", api_command("127.0.0.1", port), variables, folder / "api.log")
        stack.callback(api.stop)
        base_url = f"http://127.0.0.1:{port}"
        wait_until_ready(base_url, [api, worker])
        client = stack.enter_context(Client(base_url))
        rescue = Rescue(worker=worker, start_worker=start_worker, say=console.print)
        timings = Timings()
        _ingest(client, paths, rescue, timings, console, kill=kill)
        _search(client, timings, console)
        return timings


def _ingest(
    client: Client, paths: Sequence[Path], rescue: Rescue, timings: Timings, console: Console, *, kill: bool
) -> None:
    began = time.monotonic()
    answer = client.upload(paths)
    timings.upload = time.monotonic() - began
    if answer["rejected"]:
        raise IngestError("\n".join(f"{file['filename']}: {file['error']}" for file in answer["rejected"]))
    console.print(f"Uploaded {len(answer['tasks'])} files; batch {answer['batch_id']} is queued.", highlight=False)
    tasks: dict[int, Mapping[str, Any]] = {}
    with display_for(console) as display:
        for event in client.events(answer["batch_id"]):
            tasks.update({task["task_id"]: task for task in event.data["tasks"]})
            display.show(event.data["tasks"])
            if kill:
                rescue.see(tasks)
            rescue.worker.check()
    timings.ingest = time.monotonic() - began
    failed = [f"{task['filename']}: {task['error']}" for task in tasks.values() if task["state"] != "succeeded"]
    if failed:
        # What is not the file's fault is explained by the worker alone.
        unexplained = any(INTERNAL in line for line in failed)
        log = f"\nThe worker's last words:\n{rescue.worker.last_lines()}" if unexplained else ""
        raise IngestError("Not every file was ingested:\n" + "\n".join(failed) + log)
    if kill and not rescue.is_complete:
        raise IngestError("The batch was over before the worker could be killed in the middle of it.")


def _search(client: Client, timings: Timings, console: Console) -> None:
    seconds = []
    for question in QUESTIONS:
        began = time.monotonic()
        results = client.search(question, limit=_ANSWERS)["results"]
        seconds.append(time.monotonic() - began)
        if not results:
            raise IngestError(f"There was no answer to {question!r}.")
        console.print(f"\n[bold]{escape(question)}[/]")
        for result in results:
            legs = ", ".join(f"{leg} #{rank}" for leg, rank in result["legs"].items())
            source = f"{result['filename']} · {result['heading']}"
            console.print(f"  [cyan]{escape(source)}[/]  ({legs})", highlight=False)
            console.print(f"    {escape(result['snippet'])}", highlight=False)
    timings.searches = tuple(seconds)


def _print_timings(console: Console, timings: Timings, chunks: int, total: float) -> None:
    searches = ", ".join(f"{seconds * 1000:.0f}" for seconds in timings.searches)
    console.print(
        f"Upload {timings.upload:.2f} s · ingest {timings.ingest:.1f} s "
        f"({chunks / timings.ingest:.1f} chunks/s) · searches {searches} ms · all in all {total:.1f} s",
        highlight=False,
    )
