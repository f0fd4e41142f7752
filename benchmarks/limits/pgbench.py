"""Run pgbench and read what it says."""

import asyncio
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dibs.storage.connect import WORKER_SETTINGS


@dataclass(frozen=True, slots=True)
class Ran:
    """What pgbench measured, connecting left out."""

    seconds: float
    transactions: int
    latency_ms: float


async def run(
    program: Path,
    url: str,
    *,
    once: Sequence[str],
    each: Sequence[str],
    clients: int,
    transactions: int,
    variables: Mapping[str, int] | None = None,
) -> Ran:
    """Run the lines of *each* so often in each of *clients* sessions, with the planner settings of a worker.

    The lines of *once* prepare the statements in each session, word for word those that dibs sends; hence the query
    mode is the simple one.

    Raises:
        RuntimeError: A statement failed.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write("\n".join(["\\if :is_new", *once, "\\set is_new 0", "\\endif", *each, ""]))
        file.flush()
        process = await asyncio.create_subprocess_exec(
            str(program), "--no-vacuum", f"--client={clients}", f"--jobs={min(clients, 2)}",
            f"--transactions={transactions}", f"--file={file.name}",
            *(f"--define={name}={value}" for name, value in {"is_new": 1, **(variables or {})}.items()), url,
            env={**os.environ, "PGOPTIONS": _options()},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, errors = await process.communicate()
    text = out.decode()
    done = re.search(r"actually processed: (\d+)/", text)
    rate = re.search(r"tps = ([\d.]+) \(without", text)
    latency = re.search(r"latency average = ([\d.]+) ms", text)
    if process.returncode or not (done and rate and latency):
        raise RuntimeError(f"pgbench failed: {errors.decode()[-2000:]}{text[-500:]}")
    return Ran(int(done[1]) / float(rate[1]), int(done[1]), float(latency[1]))


def _options() -> str:
    """A worker's session settings, as libpq passes them on."""
    return " ".join(f"-c {name}=" + value.replace(" ", r"\ ") for name, value in WORKER_SETTINGS.items())
