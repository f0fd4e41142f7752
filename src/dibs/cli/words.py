"""Numbers as people read them."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def age(seconds: float) -> str:
    """A duration, as in `4.2 s`, `3 min 20 s`, `5 h 12 min`, `9 d 3 h`."""
    seconds = max(seconds, 0.0)
    if round(seconds, 1) < _MINUTE:
        return f"{seconds:.1f} s"
    whole = int(seconds + 0.05)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def count(completed: int, total: int | None) -> str:
    """How far something has come, as in `3/10`."""
    return f"{completed:,}" if total is None else f"{completed:,}/{total:,}"


def plain(text: str) -> str:
    """*text* without what would steer the terminal it is shown on: it may come from anywhere."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def some(number: int, noun: str = "job") -> str:
    """As in `1 job`, `1,200 jobs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
