"""The peers that are compared, and what is left out and why."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """About how many jobs a second a system does on two cores: what sizes are chosen by, and never a result."""

    enqueue: int
    """One by one, ten callers."""
    many: int | None = None
    """At once; nothing where there is no way to."""
    default: int
    """Drained with the profile `default`."""
    best: int
    """Drained with the profile `best`."""

    @property
    def fill(self) -> int:
        """Enqueued as fast as it can."""
        return self.many or self.enqueue

    def drain(self, profile: str) -> int:
        """Drained with that profile."""
        return self.default if profile == "default" else self.best


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A system that dibs is compared with."""

    name: str
    server: str
    """`postgres` or `redis`."""
    pace: Pace
    history: tuple[str, ...] = ()
    """The profiles in which something of a job that succeeded is kept for a while: a row, a line of a log, a result."""
    brings_uvloop: bool = False
    """uvloop is among the requirements of its package, so it is there without being asked for."""
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

    @property
    def package(self) -> str:
        """The name of its own one, which is the first that is asked for."""
        return re.split(r"[\[=]", self.requirements.with_suffix(".in").read_text("utf-8"), maxsplit=1)[0]


_ALWAYS: Final = ("default", "best")
_BY_DEFAULT: Final = ("default",)

DIBS_PACE: Final = Pace(enqueue=7_000, many=50_000, default=25_000, best=30_000)
DIBS_HISTORY: Final = _ALWAYS

PEERS: Final = (
    Peer(
        name="procrastinate",
        server="postgres",
        pace=Pace(enqueue=1_000, many=4_400, default=250, best=380),
        history=_BY_DEFAULT,
    ),
    Peer(
        name="pgqueuer",
        server="postgres",
        pace=Pace(enqueue=1_700, many=17_000, default=1_200, best=6_000),
        history=_ALWAYS,
        brings_uvloop=True,
    ),
    Peer(
        name="saq_postgres",
        server="postgres",
        pace=Pace(enqueue=1_200, default=330, best=560),
        history=_BY_DEFAULT,
        requirements_name="saq",
    ),
    Peer(
        name="chancy",
        server="postgres",
        pace=Pace(enqueue=1_200, many=2_700, default=750, best=1_800),
        history=_ALWAYS,
    ),
    Peer(
        name="awa",
        server="postgres",
        pace=Pace(enqueue=600, many=16_000, default=60, best=2_000),
        history=_ALWAYS,
    ),
    Peer(name="pgmq", server="postgres", pace=Pace(enqueue=3_000, many=60_000, default=1_300, best=45_000)),
    Peer(
        name="saq_redis",
        server="redis",
        pace=Pace(enqueue=3_500, default=560, best=1_000),
        history=_BY_DEFAULT,
        requirements_name="saq",
    ),
    Peer(name="taskiq", server="redis", pace=Pace(enqueue=1_350, default=1_600, best=1_700)),
    Peer(name="arq", server="redis", pace=Pace(enqueue=2_600, default=200, best=1_100), history=_BY_DEFAULT),
    Peer(
        name="streaq",
        server="redis",
        pace=Pace(enqueue=2_000, many=3_400, default=1_200, best=1_500),
        history=_BY_DEFAULT,
    ),
    Peer(name="rq", server="redis", pace=Pace(enqueue=1_050, many=2_700, default=80, best=250), history=_BY_DEFAULT),
    Peer(name="dramatiq", server="redis", pace=Pace(enqueue=2_500, default=2_100, best=2_100)),
    Peer(name="huey", server="redis", pace=Pace(enqueue=3_900, default=1_450, best=2_200)),
    Peer(name="celery", server="redis", pace=Pace(enqueue=670, default=400, best=300)),
)

LEFT_OUT: Final[Mapping[str, str]] = {
    "oban-py": "needs Python 3.12, and one Python (3.11) runs all systems here",
    "PgQue": "no package that could be installed had its SQL: pgque-py on PyPI is a client without it",
}
