"""Lists of steps as a response gives them: items, and segments of items under a heading."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.pddl.lexicon import Step


@dataclass
class Item:
    """A listed item: its steps, or the problem with it; neither for one that names no action."""

    number: int
    text: str
    steps: tuple[Step, ...] = ()
    problem: str = ""


@dataclass
class Segment:
    """Items that belong together. `kind` is that of the heading above; `replaces` says that the lists before were
    doubted or taken back; `label` is what the heading calls it ("plan b")."""

    kind: str = ""
    form: str = ""
    indent: int = 0
    label: str = ""
    items: list[Item] = field(default_factory=list)
    replaces: bool = False
    marked: bool = False
    closed: bool = False
    broken: bool = False
    """Whether something else than its items came since."""
    lines: int = 0

    @property
    def steps(self) -> list[Step]:
        return [step for item in self.items for step in item.steps]

    @property
    def last_number(self) -> int:
        return next((item.number for item in reversed(self.items) if item.number), 0)

    @property
    def is_list(self) -> bool:
        """Whether it is a list, not prose."""
        return self.form not in ("bare", "prose") or (self.form == "bare" and self.lines > 1)
