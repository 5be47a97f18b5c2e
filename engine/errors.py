"""Every error the house raises, sorted by what the caller can do about it.

::

    PrahariError
    ├── ConfigError         the owner must correct a setting; `faults` lists them all
    ├── WireError           these bytes or this text are not what the fact sheet says (a ValueError)
    ├── BadInput            a file or a row of the owner's is wrong; says what was read and expected
    ├── JournalError        the journal cannot be written: nothing may be sent
    │   ├── Settled         a compare-and-set lost: somebody else decided first
    │   └── Unwritable      a value that no journal can hold: trying again is no use
    └── SourceError         an outside source did not give an answer
        ├── Unreachable     no answer, or not an understandable one: ask again later
        ├── AuthFailed      the token or key is refused: a person must act
        └── RateLimited     asked too often: wait ``retry_after_s``

An order command never raises for what the broker said: it returns an outcome
(`engine.messages.Outcome`), because "refused" and "unknown" need different hands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class PrahariError(Exception):
    """Root of everything this project raises on purpose."""


class ConfigError(PrahariError):
    """Settings are missing or malformed; ``faults`` holds one sentence for each."""

    def __init__(self, faults: Iterable[str]) -> None:
        """Keep all faults; the text is one per line."""
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class WireError(PrahariError, ValueError):
    """Bytes or text from the broker that do not mean anything we know."""


class BadInput(PrahariError, ValueError):
    """The owner's own file or row is wrong; the text says what was read and what was expected."""


class JournalError(PrahariError):
    """The journal could not be written, so the effects that hang on it must not happen."""


class Settled(JournalError):
    """A confirmation was already decided by somebody else."""


class Unwritable(JournalError):
    """A record holds a value that is no JSON: a fault of ours, which the same write will always meet."""

    def __init__(self, text: str, item: object) -> None:
        """Keep which one it is: the others can be written."""
        self.item = item
        super().__init__(text)


class SourceError(PrahariError):
    """An outside source gave no usable answer."""


class Unreachable(SourceError):
    """No answer, or one that cannot be understood; asking again later may help."""


class Declined(Unreachable):
    """The source is there and does not do this one thing; another question may be answered."""


class AuthFailed(SourceError):
    """The source refuses the credentials; only a person can mend that."""


class RateLimited(SourceError):
    """Asked too often."""

    def __init__(self, text: str, retry_after_s: float) -> None:
        """Keep how long to wait, in seconds."""
        self.retry_after_s = retry_after_s
        super().__init__(text)
