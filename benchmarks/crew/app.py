"""The app whose jobs the bad days run: each execution is counted, and nothing else is done."""

from benchmarks.crew.executions import executed
from benchmarks.crew.names import QUEUE, TASK
from dibs import Dibs

app = Dibs()


@app.task(name=TASK, queue=QUEUE)
async def count(number: int, payload: str | None = None) -> None:  # noqa: ARG001 - what a real job would carry
    """Be counted."""
    executed(number)
