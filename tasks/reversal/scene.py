"""The facts in a prompt of the set `context`, and the question about one of them."""

from __future__ import annotations

import re
from typing import NamedTuple

from harness.tasks.reversal import scoring
from harness.tasks.reversal.people import Order, Person, asked, reversed_order
from harness.tasks.reversal.prompts import text
from harness.types import Message, Sample


class Scene(NamedTuple):
    """The facts in a prompt, all stated in one order, and the one that is asked (its index is `chosen`)."""

    people: list[Person]
    chosen: int
    order: Order

    def sample(self, group: str, direction: str) -> Sample:
        """The question about the chosen fact in this direction."""
        order = self.order if direction == "forward" else reversed_order(self.order)
        person = self.people[self.chosen]
        given, answer = asked(person, order)
        others = [asked(p, order)[1] for p in self.people if p is not person]
        stated = [f"- {_capitalised(a)} is {b}." for a, b in (asked(p, self.order) for p in self.people)]
        question = text("finish").replace("{start}", f"{_capitalised(given)} is")
        prompt = text("context").replace("{facts}", "\n".join(stated)).replace("{question}", question)
        params: dict[str, str | int] = {
            "set": "context", "direction": direction, "order": self.order, "people": len(self.people),
            "place": self.chosen + 1, "given": given, "answer": answer, "others": scoring.SEPARATOR.join(others),
        }  # fmt: skip
        return Sample(f"{group}/{direction}", group, direction, params, (Message("user", prompt),), answer)


def _capitalised(words: str) -> str:
    return words[:1].upper() + words[1:]


_FACT = re.compile(r"^- (.+?) is (.+)\.$", re.M)


def scene_of(sample: Sample) -> Scene:
    """The scene that a sample of the set `context` shows."""
    stated = _FACT.findall(sample.messages[-1].content)
    named = sample.params["order"] == "name_first"
    order: Order = "name_first" if named else "description_first"
    people = [Person(a, b) if named else Person(b, a[:1].lower() + a[1:]) for a, b in stated]
    return Scene(people, int(str(sample.params["place"])) - 1, order)
