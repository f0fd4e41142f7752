"""Text that Postgres can store."""


def is_storable(text: str) -> bool:
    """True when a `text` column takes it as it is."""
    return storable(text, len(text)) == text


def storable(text: str, limit: int, *, keep_end: bool = False) -> str:
    """*text* without what a `text` column refuses (NUL, lone surrogates), cut to *limit* characters."""
    clean = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if len(clean) <= limit:
        return clean
    return "…" + clean[1 - limit :] if keep_end else clean[: limit - 1] + "…"
