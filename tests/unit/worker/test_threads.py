"""Calls in threads, and how they are interrupted."""

import contextvars

import pytest

from dibs.domain.errors import JobTimeout
from dibs.worker.threads import ThreadCall


def test_a_call_that_is_interrupted_before_it_begins_never_does():
    begun: list[bool] = []
    call = ThreadCall(lambda: begun.append(True), contextvars.copy_context())
    call.interrupt()
    with pytest.raises(JobTimeout):
        call()
    assert not begun


def test_a_call_that_has_ended_is_not_interrupted():
    call = ThreadCall(lambda: 1, contextvars.copy_context())
    assert call() == 1
    call.interrupt()
    assert sum(range(1000)) == 499_500, "nothing is raised in the thread that ran it"
