"""What a server, or a pooler before it, says when it turns a connection down: for good, or for a while."""

import asyncpg
import pytest

from dibs.storage.connect import is_setting_at_fault


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InvalidPasswordError("password authentication failed"),
        asyncpg.InvalidAuthorizationSpecificationError('no pg_hba.conf entry for host "here"'),
        asyncpg.InvalidCatalogNameError('database "shop" does not exist'),
        asyncpg.ProtocolViolationError("no such database: shop"),
        asyncpg.ProtocolViolationError("no such user: app"),
        asyncpg.ProtocolViolationError("SASL authentication failed"),
        asyncpg.ProtocolViolationError('server login failed: FATAL password authentication failed for user "app"'),
        asyncpg.ProtocolViolationError('server login failed: FATAL database "shop" does not exist'),
        asyncpg.ProtocolViolationError("unsupported startup parameter: enable_seqscan"),
    ],
    ids=str,
)
def test_for_good(error: asyncpg.PostgresError) -> None:
    assert is_setting_at_fault(error)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ProtocolViolationError("query_wait_timeout"),
        asyncpg.ProtocolViolationError("server login failed: FATAL sorry, too many clients already"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        ConnectionRefusedError("Connect call failed"),
        TimeoutError(),
    ],
    ids=str,
)
def test_for_a_while(error: Exception) -> None:
    assert not is_setting_at_fault(error)
