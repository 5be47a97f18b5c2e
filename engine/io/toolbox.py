"""How a tool of ``python -m engine`` is made: a page that teaches, JSON, one meaning of each status."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from engine.errors import BadInput
from engine.io.env import SANDBOX_DIR, load_settings
from engine.model import DEFAULT_ACCOUNT
from engine.settings import Settings

__all__ = [
    "STATUSES",
    "Tools",
    "account_flag",
    "confirmed",
    "count",
    "group",
    "lived_in",
    "of_account",
    "seconds",
    "tool",
]

Tools: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - nameless

#: What the exit status of every tool says.
STATUSES = """\
exit status, of every tool:
  0    done, and all is well
  1    done, and something is not as it should be: the answer says what
  2    not done: something of yours must be corrected first; the sentence says what, and nothing was changed
  130  ended by Ctrl-C
"""


def tool(
    tools: Tools,
    name: str,
    summary: str,
    description: str,
    run: Callable[[argparse.Namespace], str],
) -> argparse.ArgumentParser:
    """A tool with a page of its own, which speaks JSON too."""
    made = tools.add_parser(
        name, help=summary, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--json", action="store_true", help="the same for machines")
    made.set_defaults(tool=run, called=made.prog)
    return made


def group(tools: Tools, name: str, summary: str, description: str, dest: str = "part") -> Tools:
    """A word that takes another: ``check feed``; its page lists what can follow."""
    made = tools.add_parser(
        name, help=summary, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    return made.add_subparsers(title="what", required=True, dest=dest, metavar="WHAT")


def account_flag(made: argparse.ArgumentParser) -> None:
    """Let a tool be about one account of several."""
    made.add_argument("--account", metavar="NAME", help="which account, where ACCOUNTS_FILE names several")


def of_account(args: argparse.Namespace) -> Settings:
    """The settings of the account that a tool is about.

    Raises:
        BadInput: there are several and none is named, or there is none of that name.
    """
    settings, name = load_settings(), args.account
    if not settings.accounts and name in {None, DEFAULT_ACCOUNT}:
        return settings
    known = {account.name: account for account in settings.accounts}
    account = known.get(next(iter(known)) if name is None and len(known) == 1 else name or "")
    if account is None:
        read = "no account" if name is None else f"account {name!r}"
        raise BadInput(f"read {read}, expected --account and one of {', '.join(known) or DEFAULT_ACCOUNT}")
    return settings.of_account(account)


def lived_in(settings: Settings) -> Settings:
    """Without credentials the settings of the sandbox's home, where a monitor has lived only there."""
    home, store = settings.data_dir / SANDBOX_DIR, "trades.sqlite3"
    moved = settings.sandbox and (home / store).exists() and not (settings.data_dir / store).exists()
    return replace(settings, data_dir=home) if moved else settings


def count(word: str) -> int:
    """A whole number from 1 up."""
    if not word.isdecimal() or not int(word):
        raise argparse.ArgumentTypeError(f"read {word!r}, expected a whole number from 1 up, e.g. 20")
    return int(word)


def seconds(least: float) -> Callable[[str], float]:
    """A parser of a number of seconds."""

    def read(word: str) -> float:
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        if not least <= value < math.inf:
            raise argparse.ArgumentTypeError(f"read {word!r}, expected seconds, {least:g} or more")
        return value

    return read


def confirmed(question: str, word: str) -> bool:
    """Ask whoever sits at the terminal to type a word.

    Raises:
        BadInput: nobody sits there.
    """
    if not sys.stdin.isatty():
        raise BadInput("nobody can be asked here; add --yes to do it without a question. Nothing was done")
    sys.stderr.write(f"{question} Type {word}: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == word
