"""A prompt about a subject, as tokens: which of them are the subject's, and where the others stand relative to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from harness.errors import DataError
from harness.lab.models import LabModel

Role = Literal["first subject", "middle subject", "last subject", "first after", "further", "last"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Where a token stands, as Meng et al. 2022 (figure 1) sum up prompts of different lengths. The last token of the
subject and of the prompt come first: a subject of one token is `last subject`, one token behind the subject `last`."""
ALONE: tuple[Role, ...] = ("first subject", "last subject", "first after", "last")
"""The roles that at most one token of a prompt has."""


@dataclass(frozen=True)
class Prompt:
    """Token ids, and from where to where (exclusive) the subject's stand. Nothing stands behind the last token."""

    ids: tuple[int, ...]
    start: int
    end: int

    def role(self, position: int) -> Role | None:
        """None for what stands before the subject."""
        if position < self.start:
            return None
        if position == self.end - 1:
            return "last subject"
        if position < self.end:
            return "first subject" if position == self.start else "middle subject"
        if position == len(self.ids) - 1:
            return "last"
        return "first after" if position == self.end else "further"

    def at(self, role: Role) -> int:
        """The position of a role of ALONE. If no token has it: the subject's last token for `first subject`, else the
        prompt's last one."""
        here = [i for i in range(len(self.ids)) if self.role(i) == role]
        return here[0] if here else self.end - 1 if role == "first subject" else len(self.ids) - 1


def prompt(lab: LabModel, text: str, subject: str) -> Prompt:
    """The tokens of a text, as it stands (no chat template is put around it). DataError if the subject is not in it."""
    at = text.rfind(subject) if subject else -1
    if at < 0:
        raise DataError(f"the subject '{subject[:60]}' is not in its prompt: {text[-120:]}")
    ids, spans = lab.tokens(text)
    own = [i for i, (a, b) in enumerate(spans) if a < b and a < at + len(subject) and b > at]
    if not own:
        raise DataError(f"no token of {lab.name} belongs to the subject '{subject[:60]}'")
    return Prompt(tuple(ids), own[0], own[-1] + 1)


def behind(lab: LabModel, text: str, answer: str) -> tuple[int, ...]:
    """The tokens of an answer behind a text. DataError if the tokenizer would merge the two."""
    start, whole = lab.tokens(text)[0], lab.tokens(text + answer)[0]
    if whole[: len(start)] != start or len(whole) == len(start):
        raise DataError(f"the tokens of {lab.name} do not separate '{text[-40:]}' from '{answer[:40]}'")
    return tuple(whole[len(start) :])


def same_length(prompts: Sequence[Sequence[int]]) -> list[list[int]]:
    """Indexes of the prompts, those of one length together."""
    found: dict[int, list[int]] = {}
    for i, ids in enumerate(prompts):
        found.setdefault(len(ids), []).append(i)
    return list(found.values())
