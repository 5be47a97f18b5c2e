"""PostgREST's query strings become SQL: columns, filters, order. Text in, text out.

Values become literals without a type, as PostgREST has them: PostgreSQL reads them as the column's type
and refuses what is none, in its own words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.supabase.errors import ApiFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_OPERATORS = {
    "eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "like": "like", "ilike": "ilike",
}  # fmt: skip
_IS = {"null", "not_null", "true", "false", "unknown"}
#: Query parameters that are no filters.
RESERVED = frozenset({"select", "order", "limit", "offset", "on_conflict", "columns", "apikey"})
_CAST = re.compile(r"[a-z_][a-z0-9_ ]*(\[\])?")


@dataclass(frozen=True, slots=True)
class Query:
    """The parts of one request's query.

    Attributes:
        columns: what is selected, as SQL.
        where: conditions as SQL; empty = all rows.
        order: as SQL, with its keyword; empty = none.
        limit, offset: rows; None = no limit asked for.
    """

    columns: str
    where: str
    order: str
    limit: int | None
    offset: int


def read_query(pairs: Iterable[tuple[str, str]], table: str) -> Query:
    """The parts of a query string. Raises ApiFault (PGRST100) when it cannot be read.

    Args:
        pairs: names and values, decoded, in order.
        table: the name by which columns are qualified in conditions, quoted.
    """
    pairs = list(pairs)
    last = dict(pairs)
    conditions = []
    for name, value in pairs:
        if name in {"or", "and", "not.or", "not.and"}:
            conditions.append(_logic(name, value, table))
        elif name not in RESERVED:
            conditions.append(_condition(name, value, table))
    return Query(
        _columns(last.get("select", "*")),
        " and ".join(conditions),
        _order(last.get("order", ""), table),
        _count(last["limit"]) if "limit" in last else None,
        _count(last.get("offset", "0")),
    )


def ident(name: str) -> str:
    """A name as PostgreSQL quotes it. Raises ApiFault for one that cannot be a name."""
    if not name or "\0" in name:
        raise _unreadable(name, "a column")
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A value as a literal. Raises ApiFault for one that PostgreSQL cannot hold."""
    if "\0" in value:
        raise ApiFault(400, "22P05", "unsupported Unicode escape sequence")
    return "'" + value.replace("'", "''") + "'"


def names(text: str) -> list[str]:
    """A list of columns as in ``columns=`` and ``on_conflict=``."""
    return [part.strip().strip('"') for part in text.split(",") if part.strip()]


def split(text: str) -> list[str]:
    """Split at commas that are in no quotes and no brackets."""
    parts, start, depth, quoted = [], 0, 0, False
    for at, sign in enumerate(text):
        if sign == '"' and text[at - 1 : at] != "\\":
            quoted = not quoted
        elif quoted:
            continue
        elif sign in "()":
            depth += 1 if sign == "(" else -1
        elif sign == "," and not depth:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _columns(text: str) -> str:
    return ", ".join(_column(part.strip()) for part in split(text))


def _column(part: str) -> str:
    if part == "*":
        return "*"
    if "(" in part:
        raise ApiFault(
            400, "PGRST200", f"Could not find a relationship for {part!r} in the schema cache"
        )  # embeds are not part of the subset
    found = re.fullmatch(r"(?:(?P<alias>[^:]+):(?!:))?(?P<path>[^:]+)(?:::(?P<cast>.+))?", part)
    if found is None or (found["cast"] and not _CAST.fullmatch(found["cast"])):
        raise _unreadable(part, "a column")
    value = _path(found["path"], "")
    if found["cast"]:
        value = f"cast({value} as {found['cast']})"
    return f"{value} as {ident(found['alias'] or re.split('->>?', found['path'])[-1])}"


def _path(text: str, table: str) -> str:
    """A column or a way into a JSON one."""
    head, *steps = re.split(r"(->>?)", text)
    value = f"{table}.{ident(head)}" if table else ident(head)
    for arrow, key in zip(steps[::2], steps[1::2], strict=True):
        value += arrow + (key if key.isdigit() else literal(key))
    return value


def _condition(column: str, value: str, table: str) -> str:
    """One filter, as in ``id=not.eq.5``."""
    negated = value.startswith("not.")
    operator, dot, operand = value.removeprefix("not.").partition(".")
    left = _path(column, table)
    if operator in _OPERATORS and dot:
        if operator in {"like", "ilike"}:
            operand = operand.replace("*", "%")
        made = f"{left} {_OPERATORS[operator]} {literal(operand)}"
    elif operator == "is" and operand.lower() in _IS:
        made = f"{left} is {operand.replace('_', ' ')}"
    elif operator == "in" and operand.startswith("(") and operand.endswith(")"):
        made = f"{left} = any({literal(_array(split(operand[1:-1])))})"
    else:
        raise _unreadable(f"{column}={value}", "a filter")
    return f"not ({made})" if negated else made


def _array(values: Sequence[str]) -> str:
    """Values as one array literal, so that an empty list is none and not a syntax error."""
    plain = [_unquoted(value) for value in values] if list(values) != [""] else []
    escaped = (value.replace("\\", "\\\\").replace('"', '\\"') for value in plain)
    return "{" + ",".join(f'"{value}"' for value in escaped) + "}"


def _unquoted(value: str) -> str:
    if len(value) > 1 and value.startswith('"') and value.endswith('"'):
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def _logic(name: str, value: str, table: str) -> str:
    """A tree, as in ``or=(id.eq.5,and(a.is.null,b.gt.3))``."""
    if not (value.startswith("(") and value.endswith(")")):
        raise _unreadable(f"{name}={value}", "a logic tree")
    parts = []
    for part in split(value[1:-1]):
        inner = re.fullmatch(r"((?:not\.)?(?:or|and))(\(.*\))", part.strip())
        if inner:
            parts.append(_logic(inner[1], inner[2], table))
            continue
        column, _, rest = part.strip().partition(".")
        found = re.fullmatch(r"((?:not\.)?\w+\.)(.*)", rest, re.DOTALL)
        parts.append(_condition(column, found[1] + _unquoted(found[2]) if found else rest, table))
    joined = f" {name.removeprefix('not.')} ".join(parts)
    return f"not ({joined})" if name.startswith("not.") else f"({joined})"


def _order(text: str, table: str) -> str:
    if not text:
        return ""
    terms = []
    for part in split(text):
        column, *how = part.split(".")
        if set(how) - {"asc", "desc", "nullsfirst", "nullslast"}:
            raise _unreadable(part, "an order")
        words = " ".join(each.replace("nulls", "nulls ") for each in how)
        terms.append(f"{_path(column, table)} {words}".rstrip())
    return f"order by {', '.join(terms)}"


def _count(text: str) -> int:
    if not text.isdigit():
        raise _unreadable(text, "a number of rows")
    return int(text)


def _unreadable(read: str, expected: str) -> ApiFault:
    return ApiFault(400, "PGRST100", f'"failed to parse ({read})"', details=f"expected {expected}")
