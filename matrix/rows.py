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

_LOCK: Final = (
    "wants a killed worker's jobs back in seconds, which takes the lock that a worker behind a pooler has not"
)
_OWN: Final = "breaks a server of its own, before which there is no pooler"
_COUNTS: Final = "counts the server's connections, of which the pooler keeps some"
_WORDS: Final = "the pooler itself refuses, with a code of its own"
_FAULTS: Final = "tests/integration/worker/test_faults.py::"
_STOPPING: Final = "tests/integration/worker/test_stopping.py::"
_DEMO: Final = "tests/integration/cli/test_demo.py::"
_APP: Final = "tests/integration/client/test_app.py::"

REPLACED: Final[Mapping[str, str]] = {f"{_STOPPING}test_a_process_that_dies_is_replaced": _LOCK}

SESSIONS: Final[Mapping[str, str]] = {
    **REPLACED,
    f"{_FAULTS}test_jobs_of_a_killed_worker_are_running_again_within_five_seconds": _LOCK,
    f"{_FAULTS}test_a_worker_stopped_past_its_time_out_can_not_end_a_job_given_to_another": _LOCK,
    f"{_FAULTS}test_a_job_that_kills_its_worker_every_time_ends_as_a_dead_letter": _LOCK,
    "tests/integration/worker/test_transaction.py::"
    "test_a_worker_killed_before_the_commit_leaves_no_effect_and_the_next_one_leaves_it": _LOCK,
    "tests/integration/worker/test_half_open.py": _OWN,
    "tests/integration/worker/test_several_servers.py": _OWN,
    "tests/integration/worker/test_watchdog.py": _OWN,
    f"{_DEMO}test_it_shows_success_retries_and_dead_letters_and_leaves_nothing": _COUNTS,
    f"{_DEMO}test_interrupted_it_leaves_nothing_and_exits_1": _COUNTS,
    f"{_APP}test_who_was_not_sent_before_closing_is_told_that_nothing_was_enqueued": _COUNTS,
    f"{_APP}test_a_borrowed_connection_of_the_app_leaves_no_trace_in_the_pool": "sets something in a session, which is "
    "nobody's behind a pooler",
    "tests/integration/client/test_unavailable.py::"
    "test_a_server_that_turns_the_connection_down_is_quoted_with_what_to_do": _WORDS,
    "tests/integration/cli/test_worker.py::test_where_the_server_knows_no_such_database_it_says_so_at_once": _WORDS,
}
"""Where there are no sessions; besides what every row leaves out."""

_PARTS: Final = tuple(
    f"tests/integration/{part}" for part in ("engine", "sessions", "client", "worker", "migrations", "cli", "security")
)


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
                pooler = stack.enter_context(pgbouncer(folder / "pooler", folder, self.pooled))
                found |= {"DIBS_TEST_POOLER": pooler, "DIBS_TEST_DIRECT": found["DIBS_DATABASE_URL"]}
            yield found


ROWS: Final[Mapping[str, Row]] = {
    row.name: row
    for row in (
        Row(name="pg15", version=15, tests=("tests/integration", "tests/stateful")),
        Row(name="pg16", version=16, tests=("tests/integration", "tests/stateful")),
        Row(name="pg18", version=18, tests=_PARTS),
        # The bundled servers are built without TLS.
        Row(name="tls", version=15, tests=_PARTS[:4], is_tls=True),
        Row(
            name="pgbouncer",
            version=18,
            pooled=4,
            tests=tuple(f"tests/integration/{part}" for part in ("pooler", "client", "worker", "cli")),
            left_out={**LEFT_OUT, **SESSIONS},
        ),
        # With one connection for all, whatever stays behind on it is met by the next who borrows it.
        Row(
            name="pgbouncer1",
            version=15,
            pooled=1,
            tests=("tests/integration/pooler", "tests/integration/worker/test_stopping.py"),
            left_out=REPLACED,
        ),
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
