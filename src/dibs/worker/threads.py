"""Plain functions, run in threads.

A thread can not be killed. When it is to be interrupted, an exception is raised inside it, which takes effect when the
interpreter next runs Python code there: a loop is stopped, a long C call or a `time.sleep` is not. What still runs then
keeps its slot until it returns.
"""

import asyncio
import ctypes
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from typing import Any, Final

from dibs.domain.errors import JobTimeout

INTERRUPT_SECONDS: Final = 2.0
"""How long an interrupted thread has to come to its end before its attempt is ended without it."""


class ThreadCall:
    """One call in a thread, which can be interrupted."""

    def __init__(self, function: Callable[[], Any], context: Context) -> None:
        self._function = function
        self._context = context
        self._lock = threading.Lock()
        self._thread_id: int | None = None
        self._is_interrupted = False

    def __call__(self) -> Any:
        """Run the function; called by the pool, in its thread."""
        with self._lock:
            if self._is_interrupted:
                raise JobTimeout
            self._thread_id = threading.get_ident()
        try:
            return self._context.run(self._function)
        except StopIteration as error:  # which a future can not carry
            raise RuntimeError("the task raised StopIteration") from error
        finally:
            with self._lock:
                thread_id, self._thread_id = self._thread_id, None
            # An exception set a moment ago must not hit whatever this thread runs next.
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id or 0), None)

    def interrupt(self) -> None:
        """Raise JobTimeout inside the thread, if it still runs the call; if it has not begun, it never will."""
        with self._lock:
            self._is_interrupted = True
            if self._thread_id is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._thread_id), ctypes.py_object(JobTimeout)
                )


class Threads:
    """The threads of a worker process."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="dibs-task")

    async def run(self, function: Callable[[], Any], context: Context) -> Any:
        """Run *function* in a thread and give its result.

        When this coroutine is cancelled, the thread is interrupted. If it returns all the same, its result counts; if
        not, the cancellation goes on, and `ThreadStuckError` carries the future of a thread that did not stop.
        """
        call = ThreadCall(function, context)
        future = asyncio.get_running_loop().run_in_executor(self._pool, call)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if future.cancelled():
                raise
            call.interrupt()
            await asyncio.wait({future}, timeout=INTERRUPT_SECONDS)
            if not future.done():
                raise ThreadStuckError(future) from None
            if (error := future.exception()) is None:
                return future.result()
            raise asyncio.CancelledError from error

    def close(self) -> None:
        """Let idle threads go; busy ones are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class ThreadStuckError(Exception):
    """A thread was interrupted and still runs."""

    def __init__(self, future: "asyncio.Future[Any]") -> None:
        super().__init__("the thread was interrupted and still runs")
        self.future = future
