"""How a DSN leads to its server: directly, or through a pooler that lends connections for a transaction at a time.

PgBouncer in its mode `transaction` is one. Behind it nothing of a session lasts: no prepared statement, no setting, no
notification, no advisory lock. Who sits behind one says so in the DSN, with `pgbouncer=true`, as other libraries have
it. This is the one place that knows what follows.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from dibs.domain.errors import ConfigError

MARK: Final = "pgbouncer"
"""The parameter of a DSN."""

UNTOLD: Final = (
    f"Is there a pooler such as PgBouncer on the way? Then dibs' own connections need {MARK}=true in the DSN, and "
    "those that you give to dibs need statement_cache_size=0."
)
"""What to do when a prepared statement is not there, or is there already: the connection's other end is another one."""

_MEANINGS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Route:
    """A DSN without our mark, and what it said."""

    dsn: str = field(repr=False)
    is_pooled: bool = False

    @classmethod
    def of(cls, dsn: str) -> Self:
        """Read *dsn*.

        Raises:
            ConfigError: The mark says something else than true or false.
        """
        if MARK not in dsn:
            return cls(dsn)
        parts = urlsplit(dsn)
        params = parse_qsl(parts.query, keep_blank_values=True)
        said = [value for name, value in params if name == MARK]
        if not said:
            return cls(dsn)
        if said[-1] not in _MEANINGS:
            raise ConfigError(f"expected {MARK}=true or {MARK}=false in the DSN, got {MARK}={said[-1]}")
        others = urlencode([(name, value) for name, value in params if name != MARK], quote_via=quote, safe="/:,")
        # put together by hand: urlunsplit drops the slashes of a DSN without a host
        whole = urlunsplit(("", "", parts.path, others, parts.fragment))
        return cls(f"{parts.scheme}://{parts.netloc}{whole}", _MEANINGS[said[-1]])

    @property
    def keeps_sessions(self) -> bool:
        """Whether a connection can listen for notifications, and hold a lock for as long as it lasts."""
        return not self.is_pooled

    def on_asyncpg(self, name: str, settings: dict[str, str]) -> dict[str, Any]:
        """What asyncpg's `connect` needs besides, for sessions of that *name* with these *settings*."""
        if not self.is_pooled:
            return {"server_settings": {"application_name": name, **settings}}
        return {"server_settings": {"application_name": name}, "statement_cache_size": 0}

    def on_psycopg(self) -> dict[str, Any]:
        """What psycopg's `connect` needs besides."""
        return {"prepare_threshold": None} if self.is_pooled else {}
