"""The tools of ``python -m engine``, as its parser has them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from engine.__main__ import _parser

__all__ = ["parser_of", "tools"]


def _parts(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """What may follow."""
    found = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return {name: part for action in found for name, part in action.choices.items()}


def _walk(
    parser: argparse.ArgumentParser, words: tuple[str, ...]
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    if parser.get_default("tool") is not None:
        yield " ".join(words), parser
    for name, part in _parts(parser).items():
        yield from _walk(part, (*words, name))


def tools() -> dict[str, argparse.ArgumentParser]:
    """Every tool by its words, e.g. ``check feed``; none is listed here, so that a new one is there too."""
    return dict(_walk(_parser(), ()))


def parser_of(words: str) -> argparse.ArgumentParser:
    """The parser of a tool."""
    return tools()[words]
