"""A worker as a process: event loop, signals, exit code."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable

from dibs.worker.config import WorkerConfig
from dibs.worker.worker import Worker, Workplace

log = logging.getLogger("dibs.worker")


def run_worker(workplace: Workplace, config: WorkerConfig) -> int:
    """Run a worker until SIGTERM or SIGINT; a second signal stops it hard. Gives the exit code.

    Raises:
        SchemaError: The tables do not fit this code.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        worker, code = runner.run(_run(workplace, config))
    if worker.has_stuck_threads:
        # The interpreter would wait for them. Their jobs have been ended or handed back.
        log.warning("leaving threads behind that did not stop")
        logging.shutdown()
        sys.stdout.flush()
        os._exit(code)
    return code


async def _run(workplace: Workplace, config: WorkerConfig) -> tuple[Worker, int]:
    worker = Worker(workplace, config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    return worker, await worker.run()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The faster event loop, where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
