"""The pooler of a run that has one: dibs goes through it, and what the tests do themselves goes past it."""

import os
import urllib.parse

POOLER = "DIBS_TEST_POOLER"
#: Of the same server, without the pooler.
DIRECT = "DIBS_TEST_DIRECT"


def pooled(url: str) -> str:
    """The same database as dibs is to reach it: through the pooler, if there is one."""
    return _moved(url, os.environ.get(POOLER))


def direct(url: str) -> str:
    """The same database, past the pooler."""
    return _moved(url, os.environ.get(DIRECT))


def _moved(url: str, to: str | None) -> str:
    if to is None:
        return url
    # by hand: urlunsplit drops the slashes of a DSN without a host
    here, there = urllib.parse.urlsplit(url), urllib.parse.urlsplit(to)
    return f"{there.scheme}://{here.netloc}{here.path}?{there.query}"
