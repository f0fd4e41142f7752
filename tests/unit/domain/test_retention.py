"""How long finished jobs are kept."""

from datetime import timedelta
from math import inf, nan

import pytest

from dibs import ConfigError, Retention


def test_it_is_a_week_and_a_month_unless_told_otherwise():
    assert Retention() == Retention(finished=7 * 86_400, dead_letters=timedelta(days=30))


def test_none_keeps_for_ever():
    assert Retention(finished=None).finished is None
    assert Retention(finished=None).dead_letters == Retention().dead_letters


@pytest.mark.parametrize("kept", [0, 59, -86_400, timedelta(seconds=1), 1e12, inf, nan])
def test_times_that_make_no_sense_are_refused(kept: float):
    with pytest.raises(ConfigError, match="finished is from 60"):
        Retention(finished=kept)
    with pytest.raises(ConfigError, match="dead_letters is from 60"):
        Retention(dead_letters=kept)
