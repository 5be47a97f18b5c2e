"""The tables of docs/rules.md between its two marks: formula, recorded day, picture."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from engine.money import rupees, signed_rupees
from tests.engine.replay.every_rule import ROOT
from tests.pictures import words
from tests.pictures.drawing import WIDTH
from tests.pictures.picks import GROUPS
from tests.pictures.watching import seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.pictures.watching import Scene

PAGE = ROOT / "docs" / "rules.md"
FOLDER = ROOT / "docs" / "rules"
BEGIN = "<!-- From here to the next mark `make pictures` writes. -->"
END = "<!-- Until here. -->"
#: Its spaces hold the column open: a page may shrink a picture, but not a word.
_HEAD = "P&L, threshold and exit; grey while it runs".replace(" ", "&nbsp;")


def written(text: str, scenes: Sequence[Scene]) -> str:
    """The page with its tables as these scenes are.

    Raises:
        ValueError: the page has not each of the two marks once.
    """
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    return f"{head}{BEGIN}\n\n{tables(scenes)}\n{END}{tail}"


def tables(scenes: Sequence[Scene]) -> str:
    """One table for each group of rules."""
    by_pick = {scene.pick: scene for scene in scenes}
    parts = []
    for title, picks in GROUPS.items():
        rows = "\n".join(_row(by_pick[pick]) for pick in picks)
        parts.append(f"### {title}\n\n| rule, formula, and a recorded day | {_HEAD} |\n|---|---|\n{rows}\n")
    return "\n".join(parts)


def _row(scene: Scene) -> str:
    pick = scene.pick
    formula = pick.formula.replace("|", "\\|").replace("<", "&lt;")
    told = [f"`{words.setting(pick)}`", formula, "", *_entries(scene), *_verdicts(scene), words.ends(scene)]
    cells = (
        "<br>".join(told),
        f'<img src="{FOLDER.name}/{pick.name}.svg" width="{WIDTH}" alt="{escape(_heard(scene))}">',
    )
    return f"| {' | '.join(cells)} |"


def _heard(scene: Scene) -> str:
    return f"{scene.pick.title}: {words.fires(scene)}; {words.ends(scene)}"


def _entries(scene: Scene) -> list[str]:
    """Each position with what it was entered for."""
    told = []
    for position, number in zip(scene.positions, scene.pick.numbers, strict=True):
        premium = words.paise(position["net_premium"])
        expiry = words.expiry(scene.pick, number)
        told.append(
            f"{words.kind(position)}{f' of {expiry}' if expiry else ''}: {words.legs(scene.pick, number)}, "
            f"{'credit' if premium > 0 else 'debit'} {rupees(abs(premium))}"
        )
    return [f"**{words.when(scene)}**, from {words.moment(scene, scene.points[0].at_s)}", *told]


def _verdicts(scene: Scene) -> list[str]:
    """The engine's own sentences; what does not tell the P&L gets it added."""
    told = []
    for event in scene.verdicts:
        reason = event["reason"]
        more = "" if "P&L" in reason else f"; P&L {signed_rupees(words.paise(event['pnl']))}"
        told.append(f"{words.moment(scene, seconds(event))}: {reason}{more}")
    return told
