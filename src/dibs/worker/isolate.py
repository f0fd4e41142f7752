"""Run a coroutine in a context of its own, without a task of its own.

What a job does to context variables must not be seen by the next job in the same slot. A task for each job would do
that, and costs as much as everything else a worker does for a short job. So the coroutine is stepped by hand inside a
copied context: its first step runs at once, and a job that never waits is done then.
"""

from collections.abc import Coroutine, Generator
from contextvars import Context
from typing import Any, Generic, TypeVar

T = TypeVar("T")


def first_step(coroutine: Coroutine[Any, Any, T], context: Context) -> "Rest[T] | None":
    """Run *coroutine* up to its first wait, in *context*. Gives the rest, to be awaited; null: there is none."""
    try:
        waits_for = context.run(coroutine.send, None)
    except StopIteration:
        return None
    return Rest(coroutine, context, waits_for)


class Rest(Generic[T]):
    """What is left of a coroutine after its first step; await it once."""

    __slots__ = ("_context", "_coroutine", "_waits_for")

    def __init__(self, coroutine: Coroutine[Any, Any, T], context: Context, waits_for: Any) -> None:
        self._coroutine = coroutine
        self._context = context
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, T]:
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
