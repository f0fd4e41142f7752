"""A DSN that names several servers is taken apart; any other one is left alone."""

import pytest

from dibs.storage.hosts import one_by_one

READ_WRITE = "?target_session_attrs=read-write"


@pytest.mark.parametrize(
    ("dsn", "servers"),
    [
        ("postgresql://a:1,b:2/shop", ["postgresql://a:1/shop", "postgresql://b:2/shop"]),
        (
            f"postgresql://me:x%2Cy@a,[::1]:2/shop{READ_WRITE}",
            [f"postgresql://me:x%2Cy@a/shop{READ_WRITE}", f"postgresql://me:x%2Cy@[::1]:2/shop{READ_WRITE}"],
        ),
        (
            "postgresql://me@/shop?host=/a,/b&target_session_attrs=any",
            [
                "postgresql://me@/shop?host=/a&target_session_attrs=any",
                "postgresql://me@/shop?host=/b&target_session_attrs=any",
            ],
        ),
        (
            "postgresql:///shop?host=/a,/b&port=1,2",
            ["postgresql:///shop?host=/a&port=1", "postgresql:///shop?host=/b&port=2"],
        ),
        (
            "postgresql:///shop?host=/a,/b&port=1",
            ["postgresql:///shop?host=/a&port=1", "postgresql:///shop?host=/b&port=1"],
        ),
    ],
)
def test_each_server_once(dsn: str, servers: list[str]) -> None:
    assert one_by_one(dsn) == servers


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://me:secret@db:5432/shop",
        "postgresql://me:a,b@db/shop",
        "postgresql://db/shop?options=-c%20search_path=a,b",
        "postgresql:///shop?host=/a,/b,/c&port=1,2",
        "postgresql://me@/shop?host=/tmp/x",
        "",
    ],
)
def test_others_are_left_alone(dsn: str) -> None:
    assert one_by_one(dsn) == [dsn]
