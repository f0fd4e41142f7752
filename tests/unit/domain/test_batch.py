"""What a batch's numbers say."""

from datetime import UTC, datetime

import pytest

from dibs import BatchProgress


def progress(**counts: int) -> BatchProgress:
    zero = {"total": 10, "succeeded": 0, "failed": 0, "cancelled": 0, "running": 0}
    return BatchProgress(id=1, name="upload", created_at=datetime.now(UTC), **{**zero, **counts})


def test_what_is_not_finished_and_does_not_run_waits():
    assert progress(succeeded=3, failed=1, cancelled=1, running=2).waiting == 3


def test_a_moments_overlap_shows_as_zero():
    assert progress(succeeded=9, running=2).waiting == 0


@pytest.mark.parametrize("counts", [{"succeeded": 10}, {"failed": 10}, {"cancelled": 4, "failed": 3, "succeeded": 3}])
def test_it_is_finished_when_all_have_ended_whatever_the_outcome(counts: dict[str, int]):
    assert progress(**counts).is_finished
    assert not progress(**counts, total=11).is_finished
