"""Runs one verb of one adapter file, in the environment of the system that is measured.

    python stage.py ADAPTER VERB      and the options on standard input: one line, a JSON object

    prepare   {url}                                               make tables
    enqueue   {url, first, count, callers, payload_bytes, how}    how: one by one, many at once, or fill: as it can
    schedule  {url, first, count, rate, callers, payload_bytes}   at fixed times; one more job goes first, to warm up
    work      {url, profile}                                      a worker, until SIGTERM
    finished  {url, count, seconds_max}                           wait until the system says so many have finished

The answer is one line on standard output, a JSON object; whatever the system prints goes to standard error. `finished`
answers twice: first that it is ready, and then, when its standard input has been closed, what it was asked.
"""

import contextlib
import ctypes
import importlib.util
import inspect
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

# Beside this file, which is run as a program: it has no package here, nor in the systems' environments.
import sending  # type: ignore[import-not-found]
import tally  # type: ignore[import-not-found]

HERE: Final = str(Path(__file__).parent)
_FINISHED_POLL_SECONDS: Final = 0.02
_PARENT_DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG

Answer = dict[str, Any]


def main(arguments: Sequence[str]) -> None:
    """Run what the command line says, and answer."""
    path, verb = arguments
    answers = os.dup(1)
    os.dup2(2, 1)
    options = json.loads(sys.stdin.readline())
    _end_with(options.pop("driver"))
    said = _VERBS[verb](load(Path(path)), **options)
    with os.fdopen(answers, "w") as out:
        for answer in [said] if isinstance(said, dict) else said:
            print(json.dumps({**answer, **_used()}), file=out, flush=True)


def load(path: Path) -> Any:
    """Import an adapter file, under the name it has when it is imported from its folder."""
    for folder in (HERE, str(path.parent)):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    return importlib.import_module(path.stem)


def prepare(adapter: Any, *, url: str) -> Answer:
    """Make tables, and tell what the adapter says of itself."""
    _finish(adapter.prepare(url))
    return {"server": adapter.SERVER, "keeps_record": adapter.KEEPS_RECORD, "profiles": adapter.PROFILES}


def enqueue(
    adapter: Any, *, url: str, first: int, count: int, callers: int, payload_bytes: int | None, how: str
) -> Answer:
    """Write jobs as fast as the callers can."""
    calls = sending.Calls(
        numbers=range(first, first + count),
        how=how,
        size=getattr(adapter, "BULK_SIZE", sending.BULK_SIZE),
        payload=sending.make_payload(payload_bytes),
        callers=callers,
    )
    calls.make(adapter, url)
    return {
        "how": calls.how,
        "began_ns": calls.began_ns,
        "ended_ns": calls.ended_ns,
        "calls_cpu_seconds": calls.cpu_seconds,
        "call_ns": sending.percentiles(calls.took_ns),
    }


def schedule(
    adapter: Any, *, url: str, first: int, count: int, rate: float, callers: int, payload_bytes: int | None
) -> Answer:
    """Send jobs at fixed times and write those down: latency counts from them, even when the sender lags."""
    timetable = sending.Timetable(first, rate, count, sending.make_payload(payload_bytes), callers)
    timetable.keep(adapter, url)
    sent = timetable.sent(int(os.environ[tally.JOBS]))
    (Path(os.environ[tally.DIR]) / tally.SENT).write_bytes(sent.tobytes())
    return {"began_ns": timetable.began_ns}


def work(adapter: Any, *, url: str, profile: str) -> Answer:
    """Be a worker until SIGTERM, however the system ends then."""
    with contextlib.suppress(SystemExit):
        adapter.work(url, profile)
    return {}


def finished(
    adapter: Any, *, url: str, count: int, unchanged_seconds_max: float, seconds_max: float
) -> Iterator[Answer]:
    """Ask until *count* jobs have finished, nothing has changed for so long, or it has taken *seconds_max*.

    It is asked once beforehand, so that nothing has to be imported any more when it matters.
    """
    _finish(adapter.finished(url))
    yield {}
    sys.stdin.read()
    asked_ns, began = time.monotonic_ns(), time.monotonic()
    changed = began
    found = _finish(adapter.finished(url))
    while (
        found is not None
        and found < count
        and time.monotonic() < min(changed + unchanged_seconds_max, began + seconds_max)
    ):
        time.sleep(_FINISHED_POLL_SECONDS)
        asked_ns, before, found = time.monotonic_ns(), found, _finish(adapter.finished(url))
        if found != before:
            changed = time.monotonic()
    yield {"finished": found, "asked_ns": asked_ns}


def _finish(result: Any) -> Any:
    """What an adapter's function gives, be it plain or not."""
    return sending.run(result) if inspect.isawaitable(result) else result


def _used() -> Answer:
    """What this process and its children used."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    return {"cpu_seconds": cpu_seconds, "rss_bytes": own.ru_maxrss * 1024}


def _end_with(driver: int) -> None:
    """A driver that is killed leaves no worker behind; only Linux has a way to promise that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)
        if os.getppid() != driver:  # it was killed before
            sys.exit(1)


_VERBS: Final[dict[str, Callable[..., Answer | Iterator[Answer]]]] = {
    "prepare": prepare,
    "enqueue": enqueue,
    "schedule": schedule,
    "work": work,
    "finished": finished,
}

if __name__ == "__main__":
    main(sys.argv[1:])
