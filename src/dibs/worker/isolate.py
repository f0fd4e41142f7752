"""Run a coroutine in a context of its own, without a task of its own.

What a job does to context variables must not be seen by the next job in the same slot. A task for each job would do
that, and costs as much as everything else a worker does for a short job. So the coroutine is stepped by hand inside a
copied context: its first step runs at once, and a job that never waits is done then.
"""

from collections.abc import Coroutine, Generator
from contextvars import Context
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Started(Generic[T]):
    """A coroutine after its first step; await it for the rest."""

    __slots__ = ("_context", "_coroutine", "_waits_for", "is_done", "value")

    def __init__(self, coroutine: Coroutine[Any, Any, T], context: Context) -> None:
        self._coroutine = coroutine
        self._context = context
        self.is_done = False
        self.value: T | None = None
        try:
            self._waits_for: Any = context.run(coroutine.send, None)
        except StopIteration as end:
            self.is_done = True
            self.value = end.value

    def __await__(self) -> Generator[Any, Any, T | None]:
        if self.is_done:
            return self.value
        waits_for = self._waits_for
        try:
            while True:
                try:
                    answer = yield waits_for
                except GeneratorExit:
                    self._coroutine.close()
                    raise
                except BaseException as error:  # noqa: BLE001 - handed on to the coroutine, cancellation included
                    waits_for = self._context.run(self._coroutine.throw, error)
                else:
                    waits_for = self._context.run(self._coroutine.send, answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # StopIteration does not know its coroutine
