"""The pages of the tools: each teaches, and says what its statuses mean."""

from __future__ import annotations

import re
import shlex

import pytest

from engine.__main__ import _parser
from engine.io.toolbox import STATUSES
from tests.support.tools import tools

TOOLS = tools()


@pytest.mark.parametrize("name", TOOLS)
def test_the_page_of_a_tool_teaches(name):
    """What it is for, its statuses, examples of itself that the command line takes, and --json."""
    page = TOOLS[name].format_help()
    assert "exit status:" in page
    assert re.search(r"(?m)^examples?:$", page)
    assert "--json" in page
    statuses = re.findall(r"(?m)^  (\d+)  ", page.partition("exit status:")[2])
    assert set(statuses) <= {"0", "1", "2"}
    assert statuses[0] == "0"
    assert statuses[-1] == "2"


@pytest.mark.parametrize("name", TOOLS)
def test_the_examples_of_a_tool_are_taken(name):
    """Each is whole: no flag is misspelt, no word is missing."""
    page = re.split(r"(?m)^examples?:$", TOOLS[name].format_help())[1].partition("\n\n")[0]
    shown = re.findall(r"python -m engine ([^|#>\n]+)", page)
    assert any(words.startswith(name.split(" ", maxsplit=1)[0]) for words in shown)
    for words in shown:
        _parser().parse_args(shlex.split(words.partition(" || ")[0].partition(" && ")[0]))


def test_the_list_of_tools_says_what_a_status_means():
    """Once, for all of them."""
    page = _parser().format_help()
    assert STATUSES in page
    assert "NO_COLOR" in page
