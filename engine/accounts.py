"""Several accounts at Dhan in one process: the owner's ``accounts.toml`` in, accounts or every fault out.

Pure: the file and the environment are read by `engine.io.env`. Without the file there is one account,
which is made of the settings and called `engine.model.DEFAULT_ACCOUNT`.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from engine.errors import ConfigError
from engine.model import Mode
from engine.orders import account_tag
from engine.words import Secret

__all__ = ["MODES_BY_REACH", "Account", "People", "lower_mode", "parse_accounts"]

#: What a mode may send, the least first: paper touches nothing of the broker's; alert-only reads the
#: account and tells; semi-auto sends what a person has confirmed; execute sends by itself.
MODES_BY_REACH = (Mode.SIMULATE, Mode.ALERT_ONLY, Mode.SEMI_AUTO, Mode.EXECUTE)

_NAME = re.compile(r"[A-Za-z0-9_-]{1,16}")
#: What may follow a command where an account's name may stand too.
_COMMAND_WORDS = frozenset({"all", "half", "merge", "split", "name", "again", "everything"})


@dataclass(frozen=True, slots=True)
class People:
    """Who may do what with an account in the chat, by Telegram user id.

    Attributes:
        viewers: may look.
        operators: may look and command what makes the account safer or ends a position.
        owners: may do everything.
    """

    viewers: frozenset[int] = frozenset()
    operators: frozenset[int] = frozenset()
    owners: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Account:
    """One account as its owner has set it.

    Attributes:
        token: the access token to begin with; empty where a file holds it.
        token_file: where the token is read and kept; None = ``token`` in the account's own directory.
        ceiling: the mode that it never goes beyond, whatever the command line says.
        proxy: by which everything of this account goes to Dhan; may hold a password; None = directly.
        rules_file: None = the one of the settings.
    """

    name: str
    client_id: str
    token: Secret
    token_file: Path | None
    enabled: bool
    ceiling: Mode
    proxy: Secret | None
    rules_file: Path | None
    people: People

    def secrets(self) -> tuple[str, ...]:
        """What no log may show."""
        password = urlsplit(self.proxy.reveal()).password if self.proxy else None
        found = (self.token.reveal(), password or "", unquote(password or ""))
        return tuple(word for word in dict.fromkeys(found) if word)


def lower_mode(one: Mode, other: Mode) -> Mode:
    """Of two modes the one that may send less (`MODES_BY_REACH`)."""
    return min(one, other, key=MODES_BY_REACH.index)


def parse_accounts(
    text: str, source: str, env: Mapping[str, str], owners: frozenset[int]
) -> tuple[Account, ...]:
    """Every account of the file, disabled ones too, in the file's order.

    Args:
        text: TOML with tables ``[account.NAME]``.
        source: the file's name, for people.
        env: where the tokens are that ``token`` names.
        owners: the owners of an account that names none.

    Raises:
        ConfigError: with every fault.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as fault:
        raise ConfigError([f"{source}: not readable as TOML: {fault}"]) from None
    faults: list[str] = []
    tables = document.pop("account", {})
    faults += [f"{source}: read {name!r}, expected only tables [account.NAME]." for name in document]
    if not isinstance(tables, dict) or not tables:
        raise ConfigError([*faults, f"{source}: holds no account; expected a table [account.NAME] for each."])
    found = []
    for name, table in tables.items():
        reader = _Table(name, table, source, env)
        found.append(reader.account(owners))
        faults += reader.faults
    faults += _clashes(found, source)
    if not any(account.enabled for account in found):
        faults.append(f"{source}: every account is turned off; expected enabled = true in one at least.")
    if faults:
        raise ConfigError(faults)
    return tuple(found)


#: What tells two accounts apart, and why it must.
_APART: tuple[tuple[Callable[[Account], str], str], ...] = (
    (lambda a: a.name.casefold(), "the same name but for capitals; the rules file cannot tell them apart"),
    (
        lambda a: account_tag(a.name),
        "the same first eight letters and digits; the names of their orders could not be told apart",
    ),
    (
        lambda a: a.client_id,
        "the same client_id; Dhan counts its limits per user: expected one account each",
    ),
    (lambda a: a.token.reveal(), "the same token; a token is good for one client alone"),
    (lambda a: str(a.token_file or ""), "the same token_file; a token is good for one client alone"),
)


def _clashes(accounts: list[Account], source: str) -> list[str]:
    """What two accounts may not have in common; no token is shown."""
    faults = []
    for look, why in _APART:
        first: dict[str, str] = {}
        faults += [
            f"{source}: [account.{first[value]}] and [account.{account.name}] have {why}."
            for account in accounts
            if (value := look(account)) and first.setdefault(value, account.name) != account.name
        ]
    return faults


class _Table:
    """Takes one table apart and collects what is wrong with it."""

    def __init__(self, name: str, table: Any, source: str, env: Mapping[str, str]) -> None:
        self._name, self._where, self._env = name, f"{source}: [account.{name}]", env
        self._values: dict[str, Any] = table if isinstance(table, dict) else {}
        self.faults: list[str] = []
        if not _NAME.fullmatch(name) or not account_tag(name):
            self.faults.append(
                f"{self._where}: read {name!r}, expected a name of at most 16 letters, digits, - and _."
            )
        elif name.isdigit() or name.casefold() in _COMMAND_WORDS:
            self.faults.append(
                f"{self._where}: read {name!r}, expected a name that is no number and no word of a command "
                f"({', '.join(sorted(_COMMAND_WORDS))}): in the chat it stands before them."
            )
        if not isinstance(table, dict):
            self.faults.append(f"{self._where}: expected a table of settings.")
        self.faults += [self._unknown(key) for key in self._values if key not in _EXPECTED]

    def account(self, owners: frozenset[int]) -> Account:
        """The account, with a stand-in for whatever is wrong."""
        token_file = self._path("token_file")
        people = People(*(self._ids(role) for role in ("viewers", "operators", "owners")))
        return Account(
            name=self._name,
            client_id=self._text("client_id", lambda word: word.isascii() and word.isdigit(), needed=True),
            token=self._token(token_file),
            token_file=token_file,
            enabled=self._switch("enabled"),
            ceiling=Mode(self._text("mode", lambda word: word in set(Mode)) or Mode.EXECUTE),
            proxy=self._proxy(),
            rules_file=self._path("rules_file"),
            people=people if people.owners else People(people.viewers, people.operators, owners),
        )

    def _unknown(self, key: str) -> str:
        near = difflib.get_close_matches(key, _EXPECTED, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(_EXPECTED)}."
        limits = key.startswith("day_")
        return f"{self._where} {key}: not known here; " + (
            f'limits of the day belong into the rules file, under [account."{self._name}"].'
            if limits
            else hint
        )

    def _fault(self, key: str, read: str) -> None:
        self.faults.append(f"{self._where} {key}: read {read}, expected {_EXPECTED[key]}.")

    def _text(self, key: str, good: Callable[[str], bool], *, needed: bool = False) -> str:
        value = self._values.get(key, "")
        if value == "" and not needed:
            return ""
        if not isinstance(value, str) or not value or not good(value):
            self._fault(key, _read(value))
            return ""
        return value

    def _path(self, key: str) -> Path | None:
        word = self._text(key, lambda _: True)
        return Path(word) if word else None

    def _switch(self, key: str) -> bool:
        value = self._values.get(key, True)
        if not isinstance(value, bool):
            self._fault(key, _read(value))
        return value is not False

    def _ids(self, key: str) -> frozenset[int]:
        value = self._values.get(key, [])
        numbers = value if isinstance(value, list) else []
        good = [number for number in numbers if type(number) is int and number > 0]
        if not isinstance(value, list) or len(good) != len(numbers):
            self._fault(key, _read(value))
        return frozenset(good)

    def _token(self, token_file: Path | None) -> Secret:
        named = self._values.get("token")
        if (named is None) == (token_file is None):
            both = "both token and token_file" if named is not None else "neither token nor token_file"
            self.faults.append(
                f"{self._where}: read {both}, expected one of them: token = {_EXPECTED['token']}, "
                f"or token_file = {_EXPECTED['token_file']}."
            )
            return Secret("")
        if named is None:
            return Secret("")
        # never quoted when it is no name: it may be the token itself
        if not isinstance(named, str) or not re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", named):
            self._fault("token", f"a value of {len(str(named))} characters (not shown)")
            return Secret("")
        value = self._env.get(named, "").strip()
        if not value or len(value.split()) != 1:
            read = "nothing" if not value else "more than one word"
            self.faults.append(
                f"{self._where} token: read {read} in {named}, expected the account's access token there "
                f"(in .env or in the environment)."
            )
            return Secret("")
        return Secret(value)

    def _proxy(self) -> Secret | None:
        value = self._values.get("proxy")
        if value is None:
            return None
        try:
            parts = urlsplit(value if isinstance(value, str) else "")
            good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port is not None
            good = good and parts.path in {"", "/"} and not parts.query
        except ValueError:
            good = False
        if not good:
            self._fault("proxy", f"a value of {len(str(value))} characters (not shown)")
            return None
        return Secret(value)


def _read(value: Any) -> str:
    """A value as it may be quoted back."""
    if value == "":
        return "nothing"
    if isinstance(value, str) and len(value) > 40:
        return f"a value of {len(value)} characters (not shown)"
    return repr(value)


_EXPECTED = {
    "client_id": "the account's Dhan client id in quotes, digits only",
    "token": "the NAME of the environment variable that holds the access token, e.g. DHAN_ACCESS_TOKEN_HUF",
    "token_file": "the path of the file that holds the access token",
    "enabled": "true or false",
    "mode": f"one of {', '.join(MODES_BY_REACH)}",
    "proxy": "an address such as http://user:password@192.0.2.1:3128",
    "rules_file": "the path of a rules.toml",
    "viewers": "a list of Telegram user ids such as [4242]",
    "operators": "a list of Telegram user ids such as [4242]",
    "owners": "a list of Telegram user ids such as [4242]",
}
