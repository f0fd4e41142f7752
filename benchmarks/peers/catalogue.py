"""The peers that are compared, and what is left out and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A system that dibs is compared with."""

    name: str
    server: str
    """`postgres` or `redis`."""
    bulk: bool = False
    """It has a way to enqueue many at once."""
    jobs_max: int | None = None
    """Too slow for the full number of jobs in reasonable time, so no run has more than these; results say how many."""
    requirements_name: str | None = None
    """The file of pinned packages, where it is not called like the peer."""

    @property
    def adapter(self) -> Path:
        """The adapter file. Its name must not be its library's, which it imports."""
        return _HERE / f"{self.name}_system.py"

    @property
    def requirements(self) -> Path:
        """The pinned packages of its environment."""
        return _HERE / "requirements" / f"{self.requirements_name or self.name}.txt"


PEERS: Final = (
    Peer(name="procrastinate", server="postgres", bulk=True, jobs_max=2_500),
    Peer(name="pgqueuer", server="postgres", bulk=True),
    Peer(name="saq_postgres", server="postgres", jobs_max=2_500, requirements_name="saq"),
    Peer(name="chancy", server="postgres", bulk=True, jobs_max=4_000),
    Peer(name="awa", server="postgres", bulk=True),
    Peer(name="pgmq", server="postgres", bulk=True),
    Peer(name="saq_redis", server="redis", jobs_max=4_000, requirements_name="saq"),
    Peer(name="taskiq", server="redis", jobs_max=20_000),
    Peer(name="arq", server="redis", jobs_max=2_500),
    Peer(name="streaq", server="redis", bulk=True, jobs_max=20_000),
    Peer(name="rq", server="redis", bulk=True, jobs_max=1_000),
    Peer(name="dramatiq", server="redis", jobs_max=20_000),
    Peer(name="huey", server="redis", jobs_max=20_000),
    Peer(name="celery", server="redis", jobs_max=2_500),
)

LEFT_OUT: Final[Mapping[str, str]] = {
    "oban-py": "needs Python 3.12, and one Python (3.11) runs all systems here",
    "PgQue": "no package that could be installed had its SQL: pgque-py on PyPI is a client without it",
}
