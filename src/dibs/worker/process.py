"""A worker as a process: event loop, signals, exit code."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import Final

from dibs.worker.config import WorkerConfig
from dibs.worker.supervisor import LIFELINE_VARIABLE
from dibs.worker.worker import Worker
from dibs.worker.workplace import Workplace

log = logging.getLogger("dibs.worker")

HURRY_SECONDS: Final = 8.0
"""After a second signal the process is gone within this time, even if its last endings can not be recorded."""

LEAVE_SECONDS: Final = 3.0
"""How long the interpreter may take to come to its end once the worker has stopped."""


def run_worker(workplace: Workplace, config: WorkerConfig) -> int:
    """Run a worker until SIGTERM or SIGINT; a second signal stops it hard. Gives the exit code.

    Raises:
        SchemaError: The tables do not fit this code.
        ConfigError: The server knows no such user, password or database.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_run(workplace, config))


async def _run(workplace: Workplace, config: WorkerConfig) -> int:
    worker = Worker(workplace, config)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if worker.is_stopping:
            _exit_within(HURRY_SECONDS, 1)
        worker.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    _stop_with_supervisor(loop, worker)
    code = 1
    try:
        code = await worker.run()
    finally:
        # The event loop and the interpreter would wait for tasks and threads that do not let themselves be stopped.
        # Their jobs have been ended or handed back by now, or are taken back by others.
        _exit_within(LEAVE_SECONDS, code)
    return code


def _exit_within(seconds: float, code: int) -> None:
    """End the process after so long, whatever still holds it up."""

    def leave() -> None:
        log.warning("leaving behind what did not stop")
        logging.shutdown()
        os._exit(code)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()


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
