"""The rows: which server, which tests, and which of those are left out, with the reason."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from matrix.certificates import certificates
from matrix.pooler import pgbouncer
from matrix.server import server

OWN_SERVER: Final = "starts an embedded Postgres 18 of its own, so it says nothing of this server"

LEFT_OUT: Final[Mapping[str, str]] = {
    "tests/integration/test_embedded_postgres.py": OWN_SERVER,
    "tests/integration/engine/test_claim.py::test_two_hundred_concurrent_claimers_take_no_job_twice": OWN_SERVER,
    "tests/integration/worker/test_watchdog.py::"
    "test_without_its_database_a_worker_is_unhealthy_and_ends_when_told_to": OWN_SERVER,
    "tests/integration/worker/test_faults.py::test_workers_ride_through_a_crash_of_postgres": OWN_SERVER,
    "tests/integration/worker/test_several_servers.py::"
    "test_a_server_that_swallows_everything_does_not_hide_the_next_one": OWN_SERVER,
    "tests/integration/worker/test_half_open.py": OWN_SERVER,
    "tests/integration/cli/test_migrate.py::test_a_wrong_password_is_named_and_not_shown": OWN_SERVER,
    "tests/integration/security/test_secrets.py::test_no_command_and_no_worker_shows_the_password": OWN_SERVER,
}
"""In every row."""

_PARTS: Final = tuple(
    f"tests/integration/{part}" for part in ("engine", "sessions", "client", "worker", "migrations", "cli", "security")
)

_POOLED: Final = ("tests/integration/pooler",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One server, and the tests that are run on it."""

    name: str
    version: int
    tests: tuple[str, ...]
    is_tls: bool = False
    pooled: int | None = None
    """Connections for each database that a PgBouncer before the server lends; nothing: there is none."""
    left_out: Mapping[str, str] = field(default_factory=lambda: LEFT_OUT)

    @contextmanager
    def serve(self, folder: Path) -> Iterator[dict[str, str]]:
        """Run the server in *folder*; gives what tells the tests of it, as variables of their environment."""
        with ExitStack() as stack:
            tls = certificates(folder / "tls") if self.is_tls else None
            found = {"DIBS_DATABASE_URL": stack.enter_context(server(folder, self.version, tls=tls))}
            if self.pooled is not None:
                place = stack.enter_context(pgbouncer(folder / "pooler", folder, self.pooled))
                found["DIBS_TEST_PGBOUNCER"] = str(place)
            yield found


ROWS: Final[Mapping[str, Row]] = {
    row.name: row
    for row in (
        Row(name="pg15", version=15, tests=("tests/integration", "tests/stateful")),
        Row(name="pg16", version=16, tests=("tests/integration", "tests/stateful")),
        Row(name="pg18", version=18, tests=_PARTS),
        # The bundled servers are built without TLS.
        Row(name="tls", version=15, tests=_PARTS[:4], is_tls=True),
        Row(name="pgbouncer", version=18, tests=_POOLED, pooled=10, left_out={}),
        # With one connection for all, whatever stays behind on it is met by the next who borrows it.
        Row(name="pgbouncer1", version=15, tests=_POOLED, pooled=1, left_out={}),
        Row(
            name="role",
            version=18,
            tests=(
                "tests/integration/security/test_roles.py",
                "tests/integration/security/test_worker_role.py",
                "tests/integration/migrations/test_migrate.py",
            ),
        ),
    )
}
