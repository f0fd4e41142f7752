"""Real roles on a real server: what each may do is found out by doing it."""

from collections.abc import Iterator

import pytest

from support.grants import Grant, granting


@pytest.fixture
def grant(database_url: str) -> Iterator[Grant]:
    """Make roles of some kind."""
    with granting(database_url) as make:
        yield make
