"""Parse a file in a child process, within limits of time and memory."""

import asyncio
import contextlib
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import msgspec

from dibs_ingest.errors import ParserError, UnusableDocumentError
from dibs_ingest.parse.document import ParsedDocument
from dibs_ingest.parse.kind import Kind
from dibs_ingest.parse.report import Report

DEFAULT_TIME = timedelta(minutes=5)
DEFAULT_MEMORY_BYTES = 2_000_000_000
_INHERITED = {"PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "TMPDIR", "TZ"}
#: Of a crashed parser's complaints, the last lines are kept.
_COMPLAINT_CHARACTERS = 500


async def parse(
    path: Path, kind: Kind, *, time: timedelta = DEFAULT_TIME, memory_bytes: int = DEFAULT_MEMORY_BYTES
) -> ParsedDocument:
    """Read the file at *path* in a process of its own.

    Args:
        path: The file; its name does not matter.
        kind: Which reader to use.
        time: How long it may take; the process is killed then.
        memory_bytes: How much address space the process may have.

    Raises:
        UnusableDocumentError: If the file can not be read, now or ever.
        ParserError: If the process crashed or ran out of time.
    """
    process = await asyncio.create_subprocess_exec(
        *_command(path, kind, memory_bytes, time),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # Ctrl-C in the terminal is for the worker, which then ends this process or lets it finish.
        start_new_session=True,
        env=_environment(),
    )
    try:
        async with asyncio.timeout(time.total_seconds()):
            out, complaints = await process.communicate()
    except TimeoutError:
        raise ParserError(f"Reading the file took longer than {time.total_seconds():g} seconds.") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return _outcome(process.returncode or 0, out, complaints)


def _command(path: Path, kind: Kind, memory_bytes: int, time: timedelta) -> list[str]:
    # -P: a module that lies in the current folder must not take the place of one of ours.
    limits = [str(memory_bytes), str(int(time.total_seconds()) + 1)]
    return [sys.executable, "-P", "-m", "dibs_ingest.parse.child", kind, str(path), *limits]


def _environment() -> dict[str, str]:
    """What the child needs and no more: a parser that is taken over by a hostile file finds no passwords here."""
    kept = {name: value for name, value in os.environ.items() if name in _INHERITED}
    # The same package as ours, also where it is not installed but only on the path.
    return {**kept, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}


def _outcome(returncode: int, out: bytes, complaints: bytes) -> ParsedDocument:
    if returncode == -signal.SIGXCPU:
        raise ParserError("Reading the file took too long.")
    if returncode < 0:
        raise ParserError(f"The program that reads this type of file crashed ({signal.Signals(-returncode).name}).")
    if returncode > 0:
        failure = ParserError("The program that reads this type of file failed.")
        failure.add_note(complaints.decode("utf-8", "replace")[-_COMPLAINT_CHARACTERS:])
        raise failure
    report = msgspec.json.decode(out, type=Report)
    if report.document is not None:
        return report.document
    assert report.reason is not None  # noqa: S101 - the child sends one or the other
    raise UnusableDocumentError(report.reason, report.message)
