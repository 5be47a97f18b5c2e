"""What holds of every picture: its words can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.io.pictures.canvas import HEIGHT, WIDTH
from engine.io.pictures.ink import font

if TYPE_CHECKING:
    from engine.io.pictures.canvas import Canvas

__all__ = ["all_can_be_read"]


def all_can_be_read(canvas: Canvas) -> None:
    """No word leaves the picture, and none lies on another."""
    boxes = []
    for each in canvas.words:
        letters = font(each.weight, each.size)
        left, top, right, bottom = letters.getbbox(each.text, anchor=each.anchor)
        x, y = each.place
        boxes.append((x + left, y + top, x + right, y + bottom, each.text))
    for left, top, right, bottom, text in boxes:
        assert 0 <= left < right <= WIDTH, text
        assert 0 <= top < bottom <= HEIGHT, text
    for n, one in enumerate(boxes):
        for other in boxes[n + 1 :]:
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert apart, (one[4], other[4])
