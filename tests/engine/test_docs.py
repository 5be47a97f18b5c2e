"""The documentation: its links lead somewhere, its commands exist."""

from __future__ import annotations

import re
import shlex
from functools import cache

import pytest

from bot.__main__ import _parser as bot_parser
from engine.__main__ import _parser as engine_parser
from engine.settings import EXPECTED
from tests.support.commands import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
#: Settings of the pages that are the service's or the tests' own.
OTHERS = {"PRAHARI_FLAGS", "DATABASE_URL"}


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


def commands(page, module):
    """The words after ``python -m MODULE`` on a page, as a shell would split them."""
    for found in re.finditer(rf"python -m {module}\b([^`\n#|>&;]*)", page.read_text()):
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


def old_ways():
    """The README's commands for those who come from the old monitor: (module, words)."""
    table = (
        (ROOT / "README.md").read_text().partition("## Coming from the old monitor")[2].partition("\n## ")[0]
    )
    found = re.findall(r"`([EB]) ([^`]+)`", table)
    return [("engine" if short == "E" else "bot", shlex.split(words)) for short, words in found]


@pytest.mark.parametrize(("module", "words"), old_ways(), ids=str)
def test_each_old_way_has_a_new_one_that_the_command_line_takes(module, words):
    """Whole, with its flags and their values."""
    known(module).parse_args(words)


def test_the_old_ways_are_all_there():
    """Every tool that the owner's old guide names."""
    asked = {" ".join(words[:2]) for module, words in old_ways() if module == "engine"}
    assert {"health", "drill", "check feed", "check realtime", "cache", "stop --now"} <= asked
    assert {"positions --detailed", "maintenance daily", "report monthly"} <= asked


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
