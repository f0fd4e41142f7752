"""A worker as a process: event loop, signals, exit code."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable

from dibs.worker.config import WorkerConfig
from dibs.worker.supervisor import LIFELINE_VARIABLE
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
    _stop_with_supervisor(loop, worker)
    return worker, await worker.run()


def _stop_with_supervisor(loop: asyncio.AbstractEventLoop, worker: Worker) -> None:
    """Stop gracefully when the supervisor that started this process is gone."""
    lifeline = os.environ.pop(LIFELINE_VARIABLE, None)
    if lifeline is not None:
        end = int(lifeline)

        def gone() -> None:
            loop.remove_reader(end)
            log.warning("the supervisor is gone")
            worker.stop()

        loop.add_reader(end, gone)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The faster event loop, where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
