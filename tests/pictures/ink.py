"""The colours and the paper: a card of its own, light, or dark where the reader's system is dark."""

from __future__ import annotations

import re
from typing import Any

CARD, BORDER, INK, MUTED, GRID = "#ffffff", "#d0d7df", "#1f2328", "#59636e", "#e3e7eb"
#: Okabe and Ito's blue and vermilion differ for every eye; green goes with the last of them by its square.
PNL, LIMIT, FLAT, RUNS = "#0072b2", "#d55e00", "#00795c", "#8c959f"
DARK = {
    CARD: "#0d1117", BORDER: "#3d444d", INK: "#f0f6fc", MUTED: "#9198a1", GRID: "#262c34",
    PNL: "#56b4e9", LIMIT: "#f0883e", FLAT: "#3fc59a", RUNS: "#6e7681",
}  # fmt: skip
#: How matplotlib draws on it.
STYLE: dict[str, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "prahari", "font.family": ["DejaVu Sans"], "font.size": 9.5,
    "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False, "axes.edgecolor": GRID,
    "axes.linewidth": 0.8, "axes.grid": True, "axes.grid.axis": "y", "grid.color": GRID,
    "grid.linewidth": 0.8, "axes.axisbelow": True, "xtick.color": GRID, "ytick.color": GRID,
    "xtick.labelcolor": MUTED, "ytick.labelcolor": MUTED, "ytick.major.size": 0, "xtick.major.size": 3,
    "text.color": INK, "axes.facecolor": "none", "figure.facecolor": "none", "lines.solid_capstyle": "round",
    "lines.solid_joinstyle": "round", "path.simplify": False,
}  # fmt: skip
#: No dates in a drawing: the same numbers give the same file.
NOTHING = dict.fromkeys(("Date", "Creator", "Format", "Type"))
FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"

_RULE = "[style*='{how}: {light}']{{{how}:{dark}!important}}"


def on_card(svg: str, title: str, description: str, digest: str) -> str:
    """Put a drawing on its card.

    Args:
        svg: as matplotlib writes it.
        title: what a reader hears who does not see it,
        description: and what happened.
        digest: of the numbers that are drawn.
    """
    [(width, height)] = re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"'DejaVu Sans'(, [a-z-]+)*", FONTS, body)
    body = re.sub(r"\n\s*\n", "\n", re.sub(r"^ +", "", body, flags=re.MULTILINE))
    end = body.index(">") + 1
    night = "".join(
        _RULE.format(how=how, light=light, dark=dark)
        for light, dark in DARK.items()
        for how in ("fill", "stroke")
    )
    return (
        f"{body[:end]}\n<title>{title}</title>\n<desc>{description}</desc>\n"
        f"<metadata>numbers {digest}</metadata>\n"
        f"<style>@media (prefers-color-scheme: dark){{{night}}}</style>\n"
        f'<rect x="0.5" y="0.5" width="{float(width) - 1:g}" height="{float(height) - 1:g}" rx="8" '
        f'style="fill: {CARD}; stroke: {BORDER}"/>{body[end:]}'
    )
