"""Show the files on their way: bars on a terminal, lines elsewhere."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

_MARKS = {"succeeded": "[green]✓[/]", "failed": "[red]✗[/]", "cancelled": "[yellow]-[/]"}
_NAME_WIDTH = 38
#: In lines, a file is heard of again when it has come this share of its way further.
_STEP = 0.5


class Display(Protocol):
    """Told of every change of a file."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        ...

    def show(self, tasks: Sequence[Mapping[str, Any]]) -> None:
        """These files have changed."""
        ...


def display_for(console: Console) -> Display:
    """Bars if somebody watches, lines if it goes to a file or a log."""
    return Bars(console) if console.is_terminal else Lines(console)


class Bars:
    """A bar for each file."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("{task.fields[mark]} {task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[chunks]:>9}"),
            TextColumn("{task.fields[said]}"),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=console)
        self._rows: dict[int, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, tasks: Sequence[Mapping[str, Any]]) -> None:
        """See `Display.show`."""
        for task in tasks:
            row = self._rows.get(task["task_id"])
            if row is None:
                name = task["filename"][:_NAME_WIDTH].ljust(_NAME_WIDTH)
                row = self._progress.add_task(name, total=None, start=False, mark=" ", chunks="", said="")
                self._rows[task["task_id"]] = row
            if task["state"] == "running":
                self._progress.start_task(row)
            total, done = task["chunks_total"], task["chunks_done"]
            self._progress.update(
                row,
                total=total,
                completed=done,
                mark=_MARKS.get(task["state"], " "),
                chunks=f"{done}/{total}" if total else "",
                said=_said(task),
            )
            if task["state"] in _MARKS:
                self._progress.stop_task(row)


class Lines:
    """A line where something happens."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: dict[int, tuple[str, int, float]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, tasks: Sequence[Mapping[str, Any]]) -> None:
        """See `Display.show`."""
        for task in tasks:
            share = task["chunks_done"] / task["chunks_total"] if task["chunks_total"] else 0.0
            now = (task["state"], task["attempt"], share // _STEP)
            if task["state"] == "ready" and task["attempt"] == 0:
                now = ("ready", 0, 0.0)
            if self._shown.get(task["task_id"], ("ready", 0, 0.0)) == now:
                continue
            self._shown[task["task_id"]] = now
            chunks = f"{task['chunks_done']}/{task['chunks_total']}" if task["chunks_total"] else ""
            mark = _MARKS.get(task["state"], " ")
            again = f" (attempt {task['attempt']})" if task["attempt"] > 1 else ""
            self._console.print(
                f"  {mark} {task['filename']:<{_NAME_WIDTH}} {chunks:>9}  {_said(task)}{again}",
                highlight=False,
            )


def _said(task: Mapping[str, Any]) -> str:
    state: str = task["state"]
    if task["error"]:
        return str(task["error"])
    return str(task["message"] or state) if state == "running" else state
