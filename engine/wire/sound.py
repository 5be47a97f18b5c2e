"""Words that can be kept and sent: JSON may name one half of a character pair, which no encoding has."""

from __future__ import annotations

import json


def sound(value: object) -> object:
    """A decoded JSON value with a question mark for each half character; only escapes can have made one."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
