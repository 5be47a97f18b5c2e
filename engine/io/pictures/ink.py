"""Colours and letters of all pictures.

One look for both of Telegram's themes: a dark card of its own, which stands out on white and sinks into
black. Gain and loss are sky blue and orange (after M. Okabe and K. Ito, "Color universal design", 2008),
which every kind of colour blindness tells apart; a sign and the place above or below zero say it as well.
"""

from __future__ import annotations

from functools import cache
from typing import NewType

from font_manrope import font_files
from PIL import ImageFont

Ink = tuple[int, int, int]
Weight = NewType("Weight", str)

GROUND: Ink = (19, 27, 38)
PANEL: Ink = (29, 40, 54)
RULE: Ink = (49, 63, 80)
ZERO: Ink = (132, 148, 168)
TEXT: Ink = (243, 246, 250)
MUTED: Ink = (160, 174, 191)
GAIN: Ink = (86, 180, 255)
LOSS: Ink = (255, 153, 64)
TODAY: Ink = (240, 240, 246)
ALERT: Ink = (255, 220, 92)

REGULAR, STRONG, HEAVY = Weight("ManropeMedium"), Weight("ManropeSemiBold"), Weight("ManropeBold")


@cache
def font(weight: Weight, size: int) -> ImageFont.FreeTypeFont:
    """The letters of this weight and size in pixels; read from the package once."""
    return ImageFont.truetype(font_files[weight], size, layout_engine=ImageFont.Layout.BASIC)


def mixed(ink: Ink, share: float, ground: Ink = GROUND) -> Ink:
    """So much of a colour on a ground, as if it were transparent."""
    red, green, blue = (round(a * share + b * (1 - share)) for a, b in zip(ink, ground, strict=True))
    return red, green, blue


def of_sign(paise: float | None) -> Ink:
    """The colour of a gain or a loss; plain when it is neither, or unknown."""
    return GAIN if paise and paise > 0 else LOSS if paise and paise < 0 else TEXT
