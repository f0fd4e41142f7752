"""Limits so low that a handful of jobs gets beyond them."""

import pytest


@pytest.fixture(autouse=True)
def _low_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dibs.engine.enqueue.ENQUEUE_ROWS_MAX", 2)
    monkeypatch.setattr("dibs.engine.enqueue.COPY_ROWS_MIN", 5)
    monkeypatch.setattr("dibs.engine.promote.PROMOTE_ROWS", 3)
    monkeypatch.setattr("dibs.engine.prune.PRUNE_ROWS", 3)
