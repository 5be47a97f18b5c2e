"""``python -m tests.pictures``: write docs/settings.md, draw docs/chat/*.png, docs/rules/*.svg and tables."""

from __future__ import annotations

import sys

from tests.engine.replay.every_rule import DAYS
from tests.pictures import chat, settings
from tests.pictures.drawing import Drawing
from tests.pictures.page import FOLDER, PAGE, written
from tests.pictures.watching import scenes


def main() -> int:
    """Write, replay, draw; exit status 2 where the recorded days are not there."""
    settings.PAGE.write_text(settings.page(settings.EXAMPLE.read_text(encoding="utf-8")), encoding="utf-8")
    chat.write()
    if not DAYS.is_dir():
        print(f"the recorded days are not at {DAYS}", file=sys.stderr)
        return 2
    found = scenes()
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.svg"):
        old.unlink()
    for scene in found:
        (FOLDER / f"{scene.pick.name}.svg").write_text(Drawing(scene).svg(), encoding="utf-8")
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
