"""What a log shows of a DSN."""

import pytest

from dibs.storage.connect import redact


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        ("postgresql://me:secret@db:5432/shop?sslmode=require", "postgresql://me:***@db:5432/shop?sslmode=require"),
        ("postgresql://:secret@db/shop", "postgresql://:***@db/shop"),
        ("postgresql://me@db/shop", "postgresql://me@db/shop"),
        ("postgresql://postgres@/postgres?host=/tmp/x", "postgresql://postgres@/postgres?host=/tmp/x"),
        ("postgresql://db/shop?user=me&password=secret&x=1", "postgresql://db/shop?user=me&password=***&x=1"),
        ("postgresql://db/shop?sslpassword=secret", "postgresql://db/shop?sslpassword=***"),
        ("host=db password=secret user=me", "host=db password=*** user=me"),
        ("password = 'a b\\' c' host=db", "password = *** host=db"),
        ("password='a b", "password=***"),
        ("password=a\\ b host=db", "password=*** host=db"),
        ("password=a&b host=db", "password=*** host=db"),
        ("postgresql://db/shop?password=a b&x=1", "postgresql://db/shop?password=***&x=1"),
        ("postgresql://me@corp:secret@db/shop", "postgresql://me@corp:***@db/shop"),
        ("me:secret@db/shop", "me:***@db/shop"),
        ("postgresql:me:secret@db/shop", "postgresql:***@db/shop"),
        ("postgresql://me@db:5432/shop", "postgresql://me@db:5432/shop"),
        ("postgresql://me:secret@a:1,b:2/shop", "postgresql://me:***@a:1,b:2/shop"),
        ("nonsense", "nonsense"),
        ("", ""),
    ],
)
def test_a_dsn_is_shown_without_its_password(dsn: str, shown: str):
    assert redact(dsn) == shown


@pytest.mark.parametrize("password", ["p#wd", "p@wd", "p/wd", "p?wd", "p:wd", "[pwd", "p w d"])
def test_a_password_that_should_be_percent_encoded_does_not_show_either(password: str):
    assert redact(f"postgresql://me:{password}@db/shop") == "postgresql://me:***@db/shop"
