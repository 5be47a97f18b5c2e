"""How a tool of ``python -m engine`` is made: a page that teaches, JSON for machines."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Tools", "tool"]

Tools: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - nameless


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
    made.set_defaults(tool=run)
    return made
