"""The documentation: its links lead somewhere, its commands exist."""

from __future__ import annotations

import re
import shlex
from functools import cache

import pytest

from bot.__main__ import _parser as bot_parser
from engine.__main__ import _parser as engine_parser
from engine.expected import EXPECTED
from tests.support.commands import ROOT
from tests.support.tools import tools

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
#: Settings of the pages that are the service's or the tests' own.
OTHERS = {"PRAHARI_FLAGS", "DATABASE_URL", "CREDENTIALS_DIRECTORY"}


def named(page):
    """The page's path, as a test's name."""
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_to_a_file_that_is_there(page):
    """Of links within the repository; a heading after # must be one of that page."""
    for target in re.findall(r"\]\((?!\w+:)([^)\s]+)\)", page.read_text()):
        path, _, heading = target.partition("#")
        to = (page.parent / path).resolve() if path else page
        assert to.exists(), f"{target} of {named(page)}"
        if heading:
            titles = re.findall(r"(?m)^#+ (.*)$", to.read_text())
            slugs = {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}
            assert heading in slugs, f"{target} of {named(page)}"


#: What the runbook calls the tools of the service.
SUDO = r"|sudo prahari(?= [a-z])"


def commands(page, module):
    """The words after ``python -m MODULE`` on a page, as a shell would split them."""
    more = SUDO if module == "engine" else ""
    for found in re.finditer(rf"(?:python -m {module}\b{more})([^`\n#|>&;]*)", page.read_text()):
        yield shlex.split(found[1].split("  ")[0])


@cache
def known(module):
    """The parser of a module's command line."""
    return engine_parser() if module == "engine" else bot_parser()


def fits(parser, words):
    """Follow the words through sub-commands; the first that is no tool and no flag, or None."""
    for word in words:
        tools = next((a for a in parser._actions if a.dest in {"name", "part", "when"} and a.choices), None)
        if tools is not None and not word.startswith("-"):
            if word in tools.choices:
                parser = tools.choices[word]
                continue
            return None if re.search(r"[A-Z…\[]", word) else word
        flag = word.split("=")[0]
        if flag.startswith("--") and flag not in parser._option_string_actions:
            return flag
    return None


@pytest.mark.parametrize("module", ["engine", "bot"])
@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_is_one_that_there_is(page, module):
    """Tools and flags, as the page writes them."""
    for words in commands(page, module):
        assert fits(known(module), words) is None, f"python -m {module} {' '.join(words)}"


README = (ROOT / "README.md").read_text()
#: What the owner's guide of the old monitor tells to do, row by row.
OLD_WAYS = [
    "simulation", "`--duration`", "`--no-websocket`", "`--alert-only --interval 30`", "`--execute`",
    "the 5-minute polling monitor", "system health check", "websocket test", "realtime test",
    "live trade simulation", "price feed validation by security id", "price cache debugging", "stop all",
    "detailed positions", "force exit of a strategy", "daily maintenance", "weekly health check",
    "monthly performance report",
]  # fmt: skip
#: What its troubleshooting is about.
TROUBLES = ["WebSocket failed", "Redis refused", "Realtime silent", "delayed prices"]


def short(text):
    """The README's short commands, `E …` and `B …`: (module, words)."""
    found = re.findall(r"`([EB]) ([^`]+)`", text)
    return [("engine" if letter == "E" else "bot", shlex.split(words)) for letter, words in found]


def table(title):
    """(first cell, the others) of each row of the table under a title."""
    part = README.partition(f"## {title}")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("| ")]
    return [(first.strip(), "|".join(rest)) for first, *rest in rows[1:]]


@pytest.mark.parametrize(("module", "words"), short(README), ids=str)
def test_each_short_command_is_one_that_the_command_line_takes(module, words):
    """Whole, with its flags and their values."""
    known(module).parse_args(words)


def test_each_old_way_has_a_new_one():
    """Every row of the owner's old guide, in its order, with a command in it."""
    rows = table("Coming from the old monitor")
    assert [first for first, _ in rows] == OLD_WAYS
    assert all(short(rest) for _, rest in rows)


def test_each_old_trouble_has_a_command_that_looks_into_it():
    """Every trouble of the old guide; each row has a command, or a service's."""
    rows = table("When something is wrong")
    firsts = " ".join(first for first, _ in rows)
    assert [trouble for trouble in TROUBLES if trouble not in firsts] == []
    assert all(short(rest) or "systemctl" in rest for _, rest in rows)


def test_the_list_of_tools_has_them_all():
    """A new tool has a line there."""
    listed = re.findall(r"`([a-z]+(?: [a-z]+)?)[^`]*`", (ROOT / "docs" / "tools.md").read_text())
    assert set(tools()) <= set(listed) | {words.split(" ")[0] for words in listed}


def test_every_make_target_of_the_pages_is_one():
    """``make x`` where a page says so."""
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))
    for page in PAGES:
        wanted = re.findall(r"`(?:sudo )?make ([a-z-]+)", page.read_text())
        wanted += re.findall(r"(?m)^(?:sudo )?make ([a-z-]+)", page.read_text())
        assert set(wanted) <= targets, named(page)


def test_every_setting_of_the_runbook_is_one():
    """What is written as NAME=value is a setting, or the service's own word."""
    text = (ROOT / "docs" / "operations.md").read_text()
    names = set(re.findall(r"`([A-Z][A-Z_]{5,})=", text)) - OTHERS
    assert names <= set(EXPECTED)
    assert {"ALIVE_URL", "METRICS_PORT"} <= set(re.findall(r"\b[A-Z_]{5,}\b", text))
