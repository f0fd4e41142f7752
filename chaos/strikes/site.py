"""What a strike can reach."""

import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeAlias

from chaos.crew import Crew
from chaos.notes import Notebook, Struck, now
from chaos.proxy import Proxy
from chaos.server import Server
from chaos.volume import Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The server, the workers, and the history to note it in."""

    server: Server
    crew: Crew[Proxy]
    door: Proxy
    """The way of the producers to the server."""
    volume: Volume | None
    """Where the server's data are, if it is one that may be filled."""
    notebook: Notebook

    def note(self, name: str, since: float, *pids: int, how: str = "") -> None:
        """A strike that began at *since* is over."""
        self.notebook.add(Struck(at=since, until=now(), name=name, pids=pids, how=how))


Nemesis: TypeAlias = Callable[[Site, random.Random], Coroutine[Any, Any, None]]
