"""What an app gives to its workers."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from dibs.domain.retention import Retention
from dibs.domain.task import Registry
from dibs.worker.resources import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What a worker works with."""

    dsn: str = field(repr=False)
    schema: str
    registry: Registry
    resources: Sequence[Resource[Any]]
    retention: Retention | None
    """What the app has to say about it; None: nothing, what the tables say holds."""
    connection: Callable[[], AbstractAsyncContextManager[Any]]
    """Lends a connection of the app's pool."""
    close: Callable[[], Awaitable[None]]
    """Closes what tasks opened through the app: its pool."""
