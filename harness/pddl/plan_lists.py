"""The lists of steps in a response: items, and segments of items under a heading."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.pddl.lexicon import Step


@dataclass
class Item:
    """A listed item with its steps, or with the problem why it can't be read; with neither if it names no action."""

    number: int
    text: str
    steps: tuple[Step, ...] = ()
    problem: str = ""


@dataclass
class Segment:
    """Items that belong together. `kind` is the kind of the heading above, and `label` its name for the list ("plan
    b"). `replaces`: the lists before were doubted or taken back. `marked`: the response marks it as the plan. `closed`:
    a fence ends it."""

    kind: str = ""
    form: str = ""
    indent: int = 0
    label: str = ""
    items: list[Item] = field(default_factory=list)
    replaces: bool = False
    marked: bool = False
    closed: bool = False
    broken: bool = False
    """Whether something other than its items came after them."""
    lines: int = 0

    @property
    def steps(self) -> list[Step]:
        """The steps of all items, in order."""
        return [step for item in self.items for step in item.steps]

    @property
    def last_number(self) -> int:
        """The number of the last item that has one, else 0."""
        return next((item.number for item in reversed(self.items) if item.number), 0)

    @property
    def is_list(self) -> bool:
        """Whether it is a list, not prose."""
        return self.form not in ("bare", "prose") or (self.form == "bare" and self.lines > 1)
