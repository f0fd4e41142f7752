"""What a history tells beyond right and wrong."""

from collections import Counter
from typing import TypeAlias

from chaos.history import History

Figures: TypeAlias = dict[str, int | float | None]


def figures(history: History) -> Figures:
    """Counts and times of a run."""
    executions = [len(begins) for begins in history.began.values()]
    outcomes = Counter(found.outcome for found in history.found.values())
    return {
        **_calls(history),
        "jobs in the tables": len(history.found),
        "jobs succeeded": outcomes["s"],
        "jobs failed": outcomes["f"],
        "jobs cancelled": outcomes["c"],
        "executions": sum(executions),
        "executions repeated": sum(executions) - len(executions),
        "executions that were cut short": sum(executions) - sum(map(len, history.ended.values())),
        "transactional effects": sum(map(len, history.settled.values())),
        "commits refused by the fence": sum(end.how == "lease lost" for ends in history.ended.values() for end in ends),
        "stale endings refused": len(history.refused),
        "batches": len(history.counted),
        **{f"strikes: {name}": count for name, count in sorted(Counter(s.name for s in history.strikes).items())},
        **_rescues(rescue_seconds(history)),
    }


def rescue_seconds(history: History) -> list[float]:
    """For each job that ran on a worker when that was killed: how long until it began elsewhere. Shortest first."""
    killed = {strike.pids[0]: strike for strike in history.strikes if strike.name == "kill"}
    ended = {(end.job, end.token): end.at for ends in history.ended.values() for end in ends}
    waits = []
    for begins in history.began.values():
        for begin in begins:
            kill = killed.get(begin.pid)
            if kill is None or ended.get((begin.job, begin.token), kill.at) < kill.at:
                continue
            again = [other.at for other in begins if other.token > begin.token and other.at > kill.at]
            waits += [min(again) - kill.at] if again else []
    return sorted(waits)


def _calls(history: History) -> Figures:
    written = {found.number for found in history.found.values()}
    unanswered = [number for call in history.calls if call.answer == "unknown" for number in call.numbers]
    return {
        "jobs asked for": sum(len(call.numbers) for call in history.calls),
        "jobs acknowledged": sum(len(call.ids) for call in history.calls),
        "calls acknowledged": sum(call.answer == "ok" for call in history.calls),
        "calls failed": sum(call.answer == "failed" for call in history.calls),
        "calls with unknown outcome": sum(call.answer == "unknown" for call in history.calls),
        "jobs of those calls that were written": sum(number in written for number in unanswered),
    }


def _rescues(seconds: list[float]) -> Figures:
    def share(part: float) -> float | None:
        return round(seconds[min(int(part * len(seconds)), len(seconds) - 1)], 2) if seconds else None

    return {
        "rescued from killed workers": len(seconds),
        "rescue seconds p50": share(0.5),
        "rescue seconds p99": share(0.99),
        "rescue seconds max": share(1.0),
    }
