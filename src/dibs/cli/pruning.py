"""What `dibs prune` does."""

import asyncio
import contextlib
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import Final

import click
import msgspec

from dibs.cli.database import session
from dibs.cli.target import Target
from dibs.cli.words import some
from dibs.engine.prune import Cutoffs, Piece, Walk, cutoffs, prunable, take_turn
from dibs.engine.prune import prune as prune_piece
from dibs.storage.connect import WORKER_SETTINGS
from dibs.storage.sessions.on_asyncpg import OnAsyncpg

_TURN_SECONDS: Final = 10.0
"""Each piece keeps the turn for so long; after an interruption, workers have it back then."""

_AGAIN_SECONDS: Final = 0.2

_BAR_MIN: Final = 5_000
"""Fewer jobs are gone before a bar can be read."""


async def show(target: Target, older_than: timedelta | None, *, as_json: bool) -> None:
    """Tell how much would go."""
    async with session(target) as looking:
        until = await looking.run(cutoffs(older_than))
        finished, dead_letters = await looking.run(prunable(until))
    _tell(until, finished, dead_letters, is_dry=True, as_json=as_json)


async def prune(target: Target, older_than: timedelta | None, *, asks: bool, as_json: bool) -> None:
    """Prune, and tell how much has gone."""
    is_watched = sys.stderr.isatty()
    async with session(target) as looking:  # without a time limit: counting reads all endings
        until = await looking.run(cutoffs(older_than))
        expected = await looking.run(prunable(until)) if asks or is_watched else (0, 0)
    if asks and any(expected):
        click.confirm(f"Prune {some(sum(expected))}{_dead(expected[1])}?", abort=True, err=True)
    async with session(target, settings=WORKER_SETTINGS) as pruning:
        with contextlib.ExitStack() as stack:
            bar = None
            if is_watched and sum(expected) > _BAR_MIN:
                bar = stack.enter_context(click.progressbar(length=sum(expected), label="prune", file=sys.stderr))
            pruned = {False: 0, True: 0}
            async for walk, piece in _pieces(pruning, until):
                pruned[walk.dead_letters] += piece.pruned
                if bar is not None:
                    bar.update(piece.pruned)
    _tell(until, pruned[False], pruned[True], is_dry=False, as_json=as_json)


async def _pieces(pruning: OnAsyncpg, until: Cutoffs) -> AsyncIterator[tuple[Walk, Piece]]:
    """Prune for half of the time: somebody waits for it, and jobs go on being worked off."""
    holder = -1 - secrets.randbits(62)
    async with _turn(pruning, holder):
        for each in until.walks:
            walk = each
            while True:
                began = monotonic()
                piece = await pruning.run(prune_piece(holder, walk, _TURN_SECONDS))
                took = monotonic() - began
                if not piece.has_turn:
                    await _wait_for_turn(pruning, holder)
                    continue
                yield walk, piece
                if piece.is_last or piece.last_id is None:
                    break
                walk = replace(walk, behind_id=piece.last_id)
                await asyncio.sleep(took)


@asynccontextmanager
async def _turn(pruning: OnAsyncpg, holder: int) -> AsyncIterator[None]:
    await _wait_for_turn(pruning, holder)
    try:
        yield
    finally:
        await pruning.run(take_turn(holder, 0.0))  # it ends at once


async def _wait_for_turn(pruning: OnAsyncpg, holder: int) -> None:
    while not await pruning.run(take_turn(holder, _TURN_SECONDS, before_workers=True)):  # noqa: ASYNC110 - others have it
        await asyncio.sleep(_AGAIN_SECONDS)


def _tell(until: Cutoffs, finished: int, dead_letters: int, *, is_dry: bool, as_json: bool) -> None:
    if as_json:
        counts = {"finished": finished, "dead_letters": dead_letters}
        moments = {"finished_before": until.finished, "dead_letters_before": until.dead_letters}
        click.echo(msgspec.json.encode({**counts, **moments, "is_dry_run": is_dry}))
    else:
        verb = "would be pruned" if is_dry else "pruned"
        click.echo(f"{some(finished + dead_letters)} {verb}{_dead(dead_letters)}.")


def _dead(count: int) -> str:
    return f", {count:,} of them dead letters" if count else ""
