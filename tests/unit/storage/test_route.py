"""What a DSN says of a pooler, and what follows."""

import pytest

from dibs.domain.errors import ConfigError
from dibs.storage.route import Route


@pytest.mark.parametrize(
    ("dsn", "without", "is_pooled"),
    [
        ("postgresql://a:b@host:6432/shop?pgbouncer=true", "postgresql://a:b@host:6432/shop", True),
        (
            "postgresql://host/shop?sslmode=require&pgbouncer=true&x=1",
            "postgresql://host/shop?sslmode=require&x=1",
            True,
        ),
        ("postgresql://host/shop?pgbouncer=false", "postgresql://host/shop", False),
        ("postgresql:///shop?host=/tmp/a&pgbouncer=true", "postgresql:///shop?host=/tmp/a", True),
        ("postgresql://u@/shop?host=/tmp/a,/tmp/b&pgbouncer=true", "postgresql://u@/shop?host=/tmp/a,/tmp/b", True),
        (
            "postgresql://pgbouncer:pgbouncer@pgbouncer/pgbouncer",
            "postgresql://pgbouncer:pgbouncer@pgbouncer/pgbouncer",
            False,
        ),
        ("postgresql://host/shop", "postgresql://host/shop", False),
    ],
)
def test_the_mark_is_read_and_not_sent(dsn: str, without: str, *, is_pooled: bool) -> None:
    assert Route.of(dsn) == Route(without, is_pooled)
    assert Route.of(dsn).keeps_sessions is not is_pooled


def test_a_password_is_kept_as_it_is_and_not_shown() -> None:
    route = Route.of("postgresql://u:p%40%2F%3F@host/shop?pgbouncer=true")
    assert route.dsn == "postgresql://u:p%40%2F%3F@host/shop"
    assert "p%40" not in repr(route)


def test_what_can_not_be_meant_is_said() -> None:
    with pytest.raises(ConfigError, match="expected pgbouncer=true or pgbouncer=false in the DSN, got pgbouncer=1"):
        Route.of("postgresql://host/shop?pgbouncer=1")


def test_behind_a_pooler_nothing_is_asked_of_the_session() -> None:
    direct, pooled = Route("postgresql://host/shop"), Route("postgresql://host/shop", is_pooled=True)
    settings = {"enable_seqscan": "off"}
    assert direct.on_asyncpg("x", settings) == {"server_settings": {"application_name": "x", "enable_seqscan": "off"}}
    assert pooled.on_asyncpg("x", settings) == {"server_settings": {"application_name": "x"}, "statement_cache_size": 0}
    assert (direct.on_psycopg(), pooled.on_psycopg()) == ({}, {"prepare_threshold": None})
