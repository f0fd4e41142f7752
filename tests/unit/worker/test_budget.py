"""Work that may take a share of the time."""

import pytest

from dibs.worker import budget as budgets
from dibs.worker.budget import PAUSE_SECONDS_MAX, Budget


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(budgets, "monotonic", lambda: now[0])
    return now


def test_the_longer_it_took_the_later_it_is_due_again(now: list[float]):
    budget = Budget(share=0.05)
    assert budget.is_due
    budget.spend(0.1)
    now[0] += 1.9
    assert not budget.is_due
    now[0] += 0.2
    assert budget.is_due


def test_one_slow_moment_does_not_blind_it_for_long(now: list[float]):
    budget = Budget(share=0.05)
    budget.spend(60.0)
    now[0] += PAUSE_SECONDS_MAX
    assert budget.is_due
