"""Telegram's HTML parse mode, as strict as Telegram: markup in, plain text and entities out.

Python's own HTML parser forgives what Telegram refuses (a bare ``<``, an unknown tag), so a bot
tested against it would lose its first real alert to "can't parse entities". The rules here are
those of the Bot API: a closed list of tags, properly nested, each closed; four named character
references and numeric ones, any other ``&`` is plain text. Offsets and lengths are in UTF-16 code
units, as everywhere in Telegram.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sandbox.telegram_entities import Entity, Formatted, settled, utf16_length

#: Tag -> entity type; two spellings of most.
_KINDS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "span": "spoiler",
    "tg-spoiler": "spoiler", "a": "text_link", "code": "code", "pre": "pre", "blockquote": "blockquote",
    "tg-emoji": "custom_emoji", "tg-time": "date_time",
}  # fmt: skip

_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_REFERENCE = re.compile(r"&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|(lt|gt|amp|quot)(?![a-zA-Z]));?")
_TAG_NAME = re.compile(r"[^\s>]*")
_ATTRIBUTE_NAME = re.compile(r"[^\s=>/\"']*")
_SPACE = re.compile(r"\s*")
_TOKEN = re.compile(r"[A-Za-z0-9.-]*")
_TIME_FORMAT = re.compile(r"r|w?[dD]?[tT]?")
_LINK = re.compile(r"(?:https?://|tg://|mailto:)\S+|[\w-]+(?:\.[\w-]+)+(?:/\S*)?", re.IGNORECASE)


class BadMarkup(ValueError):
    """Telegram would answer 400 "can't parse entities" with this text."""


def parse_html(source: str) -> Formatted:
    """Turn HTML as a bot sends it into text and entities.

    Raises:
        BadMarkup: with Telegram's words and the UTF-8 byte offset of the fault.
    """
    parser = _Parser(source)
    parser.run()
    outer_first = sorted(parser.closed, key=lambda pair: pair[0])
    return settled("".join(parser.text), [entity for _opened_at, entity in outer_first])


@dataclass(slots=True)
class _Open:
    """A tag that waits for its end."""

    tag: str
    start: int
    at: int
    attributes: dict[str, str]


@dataclass(slots=True)
class _Parser:
    source: str
    at: int = 0
    text: list[str] = field(default_factory=list)
    length: int = 0
    stack: list[_Open] = field(default_factory=list)
    closed: list[tuple[int, Entity]] = field(default_factory=list)

    def run(self) -> None:
        """Read to the end; everything opened must be closed by then."""
        while self.at < len(self.source):
            char = self.source[self.at]
            if char == "<":
                self._end_tag() if self.source.startswith("</", self.at) else self._start_tag()
            elif char == "&":
                self._emit(self._reference())
            else:
                self._emit(char)
                self.at += 1
        if self.stack:
            raise BadMarkup(f'Can\'t find end tag corresponding to start tag "{self.stack[-1].tag}"')

    def _emit(self, piece: str) -> None:
        self.text.append(piece)
        self.length += utf16_length(piece)

    def _reference(self) -> str:
        """Read one character reference, or the lone ampersand that it is not."""
        match = _REFERENCE.match(self.source, self.at)
        if match is None:
            self.at += 1
            return "&"
        hexadecimal, decimal, name = match.groups()
        if name:
            self.at = match.end()
            return _NAMED[name]
        code = int(hexadecimal, 16) if hexadecimal else int(decimal)
        if not 0 < code < 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            self.at += 1
            return "&"
        self.at = match.end()
        return chr(code)

    def _start_tag(self) -> None:
        begin = self.at
        tag = self._take(_TAG_NAME, begin + 1).lower()
        self._no_end_here("start tag", begin)
        if tag not in _KINDS:
            raise self._fault(f'Unsupported start tag "{tag}"', begin)
        attributes: dict[str, str] = {}
        while self._skip_space(begin) != ">":
            self._attribute(tag, begin, attributes)
        self.at += 1
        self._check(tag, attributes, begin)
        self.stack.append(_Open(tag, self.length, begin, attributes))

    def _attribute(self, tag: str, begin: int, attributes: dict[str, str]) -> None:
        name_at = self.at
        name = self._take(_ATTRIBUTE_NAME, self.at).lower()
        if not name:
            raise self._fault(f'Empty attribute name in the tag "{tag}"', name_at)
        if self._skip_space(begin) != "=":
            attributes[name] = ""
            return
        self.at += 1
        quote = self._skip_space(begin)
        attributes[name] = self._quoted(quote) if quote in "\"'" else self._bare()
        self._no_end_here("start tag", begin)

    def _quoted(self, quote: str) -> str:
        self.at += 1
        value: list[str] = []
        while self.at < len(self.source) and self.source[self.at] != quote:
            if self.source[self.at] == "&":
                value.append(self._reference())
            else:
                value.append(self.source[self.at])
                self.at += 1
        self.at += 1
        return "".join(value)

    def _bare(self) -> str:
        begin = self.at
        value = self._take(_TOKEN, begin).lower()
        follows = self.source[self.at : self.at + 1]
        if follows and follows != ">" and not follows.isspace():
            raise self._fault("Unexpected end of name token", begin)
        return value

    def _check(self, tag: str, attributes: dict[str, str], begin: int) -> None:
        """Refuse a tag whose attributes do not make the entity it names."""
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise self._fault('Tag "span" must have class "tg-spoiler"', begin)
        if tag == "tg-time":
            unix, shape = attributes.get("unix", ""), attributes.get("format", "")
            if not (unix.isascii() and unix.isdigit()):
                raise self._fault('Tag "tg-time" must have a valid attribute "unix"', begin)
            if not _TIME_FORMAT.fullmatch(shape):
                raise self._fault('Invalid date-time format specified in the tag "tg-time"', begin)
        if tag == "tg-emoji" and not attributes.get("emoji-id", "").isdigit():
            raise self._fault('Tag "tg-emoji" must have a valid attribute "emoji-id"', begin)

    def _end_tag(self) -> None:
        begin = self.at
        if not self.stack:
            raise self._fault("Unexpected end tag", begin)
        found = self._take(_TAG_NAME, begin + 2).lower()
        if self._skip_space(begin, "end tag") != ">":
            raise self._fault("Unclosed end tag", begin)
        self.at += 1
        opened = self.stack.pop()
        if found not in ("", opened.tag):
            expected = f'expected "</{opened.tag}>", found "</{found}>"'
            raise BadMarkup(f"Unmatched end tag at byte offset {self._byte(begin)}, {expected}")
        if self.length > opened.start:
            self._close(opened)

    def _close(self, opened: _Open) -> None:
        attributes, length = opened.attributes, self.length - opened.start
        entity: Entity = {"type": _KINDS[opened.tag], "offset": opened.start, "length": length}
        if opened.tag == "a":
            text = "".join(self.text).encode("utf-16-le", "surrogatepass")
            shown = text[opened.start * 2 :].decode("utf-16-le", "surrogatepass")
            entity["url"] = attributes.get("href") or shown
            if not _LINK.fullmatch(entity["url"]):
                return  # Telegram keeps the words and drops the link
        elif opened.tag == "blockquote" and "expandable" in attributes:
            entity["type"] = "expandable_blockquote"
        elif opened.tag == "code" and attributes.get("class", "").startswith("language-"):
            entity["language"] = attributes["class"].removeprefix("language-")
        elif opened.tag == "pre" and self._wraps_code(entity):
            entity["language"] = self.closed.pop()[1]["language"]
        elif opened.tag == "tg-emoji":
            entity["custom_emoji_id"] = attributes["emoji-id"]
        elif opened.tag == "tg-time":
            entity |= {"unix_time": int(attributes["unix"]), "date_time_format": attributes.get("format", "")}
        self.closed.append((opened.at, entity))

    def _wraps_code(self, pre: Entity) -> bool:
        """Say whether the last entity is a ``<code class="language-…">`` that fills this block."""
        last = self.closed[-1][1] if self.closed else {}
        same = (last.get("offset"), last.get("length")) == (pre["offset"], pre["length"])
        return same and last.get("type") == "code" and "language" in last

    def _take(self, pattern: re.Pattern[str], at: int) -> str:
        match = pattern.match(self.source, at)
        assert match is not None  # noqa: S101 - each pattern also matches nothing
        self.at = match.end()
        return match.group()

    def _skip_space(self, begin: int, what: str = "start tag") -> str:
        self._take(_SPACE, self.at)
        self._no_end_here(what, begin)
        return self.source[self.at]

    def _no_end_here(self, what: str, begin: int) -> None:
        if self.at >= len(self.source):
            raise self._fault(f"Unclosed {what}", begin)

    def _fault(self, words: str, at: int) -> BadMarkup:
        return BadMarkup(f"{words} at byte offset {self._byte(at)}")

    def _byte(self, at: int) -> int:
        return len(self.source[:at].encode("utf-8", "surrogatepass"))
