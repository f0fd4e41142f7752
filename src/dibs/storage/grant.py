"""Who may do what with the tables: a file of grants for each kind of user.

The files are in `grants/`, one statement for each table, so that a reviewer sees at a glance what a kind may do. None
of them gives the right to create, alter, drop or truncate: that is the owner's, who migrates.
"""

from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

from dibs.domain.errors import ConfigError
from dibs.domain.text import is_storable
from dibs.storage.connect import Connection
from dibs.storage.migrate import check
from dibs.storage.statement import bind, quote

_ROLE_MARKER: Final = "/*role*/"
_NAME_BYTES_MAX: Final = 63


class Kind(StrEnum):
    """What a database role does with jobs."""

    PRODUCER = "producer"
    WORKER = "worker"
    READER = "reader"
    OPERATOR = "operator"


_FILES: Final = {
    Kind.PRODUCER: ("producer",),
    Kind.WORKER: ("worker",),
    Kind.READER: ("reader",),
    Kind.OPERATOR: ("reader", "operator"),
}


def script(kinds: Sequence[Kind], role: str, schema: str) -> str:
    """SQL after which *role* may do with the tables what *kinds* do, and no more: what it had before is taken away.

    Raises:
        ConfigError: No role can have that name.
    """
    # Even in quotes, Postgres takes `public` for everybody; and of a longer name it would take the beginning.
    if role in {"", "public"} or not is_storable(role) or len(role.encode()) > _NAME_BYTES_MAX:
        raise ConfigError(f"expected the name of a role of its own, got {role[:80]!r}")
    own, whole = quote(role), quote(schema)
    everything = (f"all {things} in schema {whole}" for things in ("tables", "sequences", "functions"))
    parts = [f"revoke all on {what} from {own};" for what in (*everything, f"schema {whole}")]
    parts += [f"grant usage on schema {whole} to {own};"]
    for name in dict.fromkeys(name for kind in kinds for name in _FILES[kind]):
        parts += [f"-- {name}", own.join(bind(piece, schema) for piece in _pieces(name))]
    return "\n".join(["begin;", *parts, "commit;"])


async def grant(connection: Connection, kinds: Sequence[Kind], role: str, schema: str) -> None:
    """Let *role* do with the tables what *kinds* do, and no more. Safe to call again.

    Raises:
        ConfigError: The role does not exist, or it or we can not be granted to or grant.
        SchemaError: The tables do not fit this code.
    """
    sql = script(kinds, role, schema)
    await check(connection, schema)
    await _check_roles(connection, role, schema)
    await connection.execute(sql)


async def _check_roles(connection: Connection, role: str, schema: str) -> None:
    owner, is_ours, is_theirs = await connection.fetchrow(
        "select o.rolname::text, pg_has_role(o.oid, 'usage'), pg_has_role(r.oid, o.oid, 'member') "
        "from pg_class c join pg_roles o on o.oid = c.relowner left join pg_roles r on r.rolname = $2 "
        "where c.oid = to_regclass($1)",
        f"{quote(schema)}.job",
        role,
    ) or ("", False, False)
    if not is_ours:  # Postgres would only warn, and grant what we may hand on: mostly nothing
        raise ConfigError(f"only the owner of the tables, {owner!r}, can grant rights to them; connect as that role")
    if is_theirs is None:
        raise ConfigError(f"there is no role {role!r}; make it first: create role {quote(role)} login password '...'")
    if is_theirs:
        raise ConfigError(
            f"role {role!r} owns the tables in schema {schema!r}, or is a superuser or a member of their owner, and "
            "may do everything already; name another one"
        )


@cache
def _pieces(name: str) -> list[str]:
    """The statements of a file, in pieces between which the role's name belongs."""
    lines = files("dibs.storage").joinpath("grants", f"{name}.sql").read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--")).split(_ROLE_MARKER)
