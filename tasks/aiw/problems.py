"""The AIW problem families: each function states one problem, in words and as equations.

Only the original statement is quoted from the publication (Nezhurina et al. 2024, "Alice in
Wonderland", arXiv 2406.02061). The other families have the published structure in our own wording.
Knows nothing of prompts, models or scoring.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from harness.tasks.aiw.family import Circle, Fact, Form, Sex, as_form, solve, unknown

Relation = Literal["brothers", "sisters"]
Count = int | str
"""A given count: a number, or the letter of a parameterised problem."""

SEX_OF: dict[Relation, Sex] = {"brothers": "male", "sisters": "female"}
SINGULAR: dict[Relation, str] = {"brothers": "brother", "sisters": "sister"}
PRONOUNS: dict[Sex, tuple[str, str]] = {"female": ("she", "her"), "male": ("he", "his")}

# fmt: off
FEMALE_NAMES = (
    "Alice", "Anna", "Clara", "Diana", "Elena", "Emma", "Fiona", "Grace", "Hannah", "Irene", "Julia", "Karen",
    "Laura", "Lucy", "Maria", "Nadia", "Nora", "Olivia", "Paula", "Rosa", "Sarah", "Sofia", "Teresa", "Vera",
)
MALE_NAMES = (
    "Adam", "Bob", "Carl", "Daniel", "David", "Eric", "Felix", "Frank", "George", "Henry", "Ivan", "Jack",
    "James", "Kevin", "Leo", "Lucas", "Mark", "Martin", "Oscar", "Paul", "Peter", "Robert", "Thomas", "Victor",
)
# fmt: on
NAMES: dict[Sex, tuple[str, ...]] = {"female": FEMALE_NAMES, "male": MALE_NAMES}


@dataclass(frozen=True)
class Problem:
    """One problem without its prompt suffix.

    `shallow` is the number a reader would copy from the statement without thinking; `stated` are the
    numbers that occur in the statement; `worked` is a short correct solution.
    """

    text: str
    facts: tuple[Fact, ...]
    query: Form
    shallow: str
    stated: tuple[str, ...]
    worked: str

    @functools.cached_property
    def answer(self) -> str:
        """What the facts imply: `7`, or `M+1` in a parameterised problem."""
        return str(solve(self.facts, self.query))


def counted(number: Count, one: str, many: str | None = None) -> str:
    """`1 sister`, `4 sisters`, `M sisters`."""
    return f"{number} {one if str(number) == '1' else many or one + 's'}"


@dataclass(frozen=True)
class Siblings:
    """One family structure: the person, how many brothers and sisters, and what is asked.

    The question is "How many `asked` does NAME's `of` have?".
    """

    name: str
    sex: Sex
    brothers: Count
    sisters: Count
    asked: Relation = "sisters"
    of: Relation = "brothers"

    def number(self, relation: Relation) -> Count:
        """The stated number of brothers or of sisters."""
        return self.brothers if relation == "brothers" else self.sisters

    def worked(self) -> str:
        """A short solution: it counts the children of the sex asked for, then leaves out the one asked about."""
        own = SEX_OF[self.asked]
        word = {"female": "girls", "male": "boys"}[own]
        number = self.number(self.asked)
        steps = []
        total = as_form(number)
        group = f"{self.name}'s {counted(number, SINGULAR[self.asked])}"
        if self.sex == own:
            steps.append(f"The {word} are {group} and {self.name}: {number} + 1 = {total + 1}.")
            total = total + 1
        else:
            steps.append(f"The {word} are {group}: {total}.")
        role = SINGULAR[self.of]
        if SEX_OF[self.of] == own:
            steps.append(f"The {role} does not count: {total} - 1 = {total - 1}.")
        else:
            steps.append(f"The {role} is not one of them.")
        return " ".join(steps)


def siblings(s: Siblings, order: tuple[Relation, Relation], form: str = "has", stated_sex: bool = False) -> Problem:
    """A sibling problem. `form` is the sentence used; "has" is the published one, literally.

    With `stated_sex` an extra sentence states the sex of the person. It adds no information, but models
    stumble over it.
    """
    circle = Circle(f"{s.name}'s parents")
    she, her = PRONOUNS[s.sex]
    first, second = (counted(s.number(r), SINGULAR[r]) for r in order)
    sentences = {
        "has": f"{s.name} has {first} and {she} also has {second}.",
        "and": f"{s.name} has {first} and {second}.",
        "with": f"{s.name} lives with {her} parents, {her} {first} and {her} {second}.",
        "two": f"{s.name} has {first}. {she.capitalize()} has {second} as well.",
        "family": f"In the family of {s.name} there are, beside {s.name}, {her} {first} and {her} {second}.",
    }
    facts = tuple(Fact(circle.count(SEX_OF[r], s.sex), as_form(s.number(r))) for r in order)
    said = f"{s.name} is {s.sex}. " if stated_sex else ""
    return Problem(
        text=f"{said}{sentences[form]} How many {s.asked} does {s.name}'s {SINGULAR[s.of]} have?",
        facts=facts,
        query=circle.count(SEX_OF[s.asked], SEX_OF[s.of]),
        shallow=str(s.number(s.asked)),
        stated=tuple(str(s.number(r)) for r in order),
        worked=s.worked(),
    )


SIBLING_FORMS = ("has", "and", "with", "two", "family")


def extension(sisters_of_alice: int, brothers_of_bob: int) -> Problem:
    """Two siblings with one stated number each: Alice's sisters and Bob's brothers. Alice has one brother more: Bob."""
    circle = Circle("Alice and Bob's parents")
    a, b = counted(sisters_of_alice, "sister"), counted(brothers_of_bob, "brother")
    return Problem(
        text=f"Bob is Alice's brother. Alice has {a}, and Bob has {b}. How many brothers does Alice have?",
        facts=(
            Fact(circle.count("female", "female"), as_form(sisters_of_alice)),
            Fact(circle.count("male", "male"), as_form(brothers_of_bob)),
        ),
        query=circle.count("male", "female"),
        shallow=str(brothers_of_bob),
        stated=(str(sisters_of_alice), str(brothers_of_bob)),
        worked=f"The boys are Bob and Bob's {b}: {brothers_of_bob} + 1 = {brothers_of_bob + 1}, all Alice's brothers.",
    )


def friends(males: int, females: int, females_first: bool) -> Problem:
    """The same arithmetic among friends who all know each other."""
    circle = Circle("Alice's friends")
    parts = [counted(males, "male friend"), counted(females, "female friend")]
    first, second = reversed(parts) if females_first else parts
    return Problem(
        text=f"Alice has {first} and {second}. All of them, Alice too, are friends with each other, and none has a "
        "friend outside this circle. How many female friends does a male friend of Alice have?",
        facts=(
            Fact(circle.count("male", "female"), as_form(males)),
            Fact(circle.count("female", "female"), as_form(females)),
        ),
        query=circle.count("female", "male"),
        shallow=str(females),
        stated=(str(males), str(females)),
        worked=f"The women are Alice's {counted(females, 'female friend')} and Alice: {females} + 1 = {females + 1}.",
    )


@dataclass(frozen=True)
class Cousins:
    """AIW+: nephews and nieces of an aunt and of an uncle, counted from both sides of the family.

    The aunt (mother's sister) has no children of her own; the uncle (father's brother) has `children`.
    """

    sisters: int
    brothers: int
    of_aunt: int
    of_uncle: int
    children: int
    child: Literal["son", "daughter"]


def plus(c: Cousins, name: str = "Alice") -> Problem:
    """The cousins are the aunt's nephews and nieces without the siblings, the uncle's likewise, and his children."""
    home = Circle(f"{name}'s parents")
    maternal, paternal = unknown("children of the mother's siblings"), unknown("children of the father's siblings")
    of_the_uncle = unknown("children of the uncle")
    kids = str(c.sisters + c.brothers + 1)
    m, p = c.of_aunt - int(kids), c.of_uncle - int(kids)
    stated = (c.sisters, c.brothers, 2, 1, c.of_aunt, 2, c.of_uncle, c.children)
    return Problem(
        text=f"{name} has {counted(c.sisters, 'sister')} and {counted(c.brothers, 'brother')} and no other siblings. "
        f"{name}'s mother has 2 brothers and 1 sister. This sister has no children; her nephews and nieces are "
        f"{c.of_aunt} in all. {name}'s father has 2 sisters and 1 brother. This brother has "
        f"{counted(c.children, c.child)} of his own, and {c.of_uncle} nephews and nieces in all. "
        f"How many cousins does {name}'s sister have?",
        facts=(
            Fact(home.count("female", "female"), as_form(c.sisters)),
            Fact(home.count("male", "female"), as_form(c.brothers)),
            Fact(maternal + home.size, as_form(c.of_aunt)),
            Fact(of_the_uncle, as_form(c.children)),
            Fact(paternal - of_the_uncle + home.size, as_form(c.of_uncle)),
        ),
        query=maternal + paternal,
        shallow=str(c.of_aunt + c.of_uncle),
        stated=tuple(map(str, stated)),
        worked=f"{name} and her siblings are {kids}. Mother's side: {c.of_aunt} - {kids} = {m}. Father's side: "
        f"{c.of_uncle} - {kids} = {p}, and {c.children} more. {m} + {p} + {c.children} = {m + p + c.children}.",
    )


def light_siblings(s: Siblings, order: tuple[Relation, Relation]) -> Problem:
    """Control: can the model add the two numbers at all?"""
    base = siblings(s, order)
    first, second = (counted(s.number(r), SINGULAR[r]) for r in order)
    total = str(as_form(s.brothers) + as_form(s.sisters))
    return Problem(
        text=f"{s.name} has {first} and {second}. How many siblings does {s.name} have?",
        facts=base.facts,
        query=Circle(f"{s.name}'s parents").count("any", s.sex),
        shallow=str(s.number(order[0])),
        stated=base.stated,
        worked=f"{s.number(order[0])} + {s.number(order[1])} = {total}.",
    )


def light_relation(s: Siblings, order: tuple[Relation, Relation]) -> Problem:
    """Control: a woman's sister has the brothers stated for the woman, so knowing what a family is suffices."""
    return siblings(Siblings(s.name, s.sex, s.brothers, s.sisters, asked="brothers", of="sisters"), order)


def light_attribute(s: Siblings, order: tuple[Relation, Relation]) -> Problem:
    """Control: is the person's sex understood? The answer is a code, 1 or 2."""
    base = siblings(s, order)
    first, second = (counted(s.number(r), SINGULAR[r]) for r in order)
    female = unknown(f"{s.name} is female")
    code = 1 if s.sex == "female" else 2
    return Problem(
        text=f"{s.name} has {first} and {PRONOUNS[s.sex][0]} also has {second}. Is {s.name} a girl or a boy? "
        "Answer with a number: 1 for a girl, 2 for a boy.",
        facts=(Fact(female, as_form(2 - code)),),
        query=as_form(2) - female,
        shallow=str(s.number(order[0])),
        stated=base.stated,
        worked=f"{s.name} is referred to as {PRONOUNS[s.sex][0]}, so the number is {code}.",
    )


Builder = Callable[[str], Problem]
"""Makes the problem in one variation (its name is the argument)."""

VARIANTS = ("plain", "swapped", "renamed", "stated")
"""What changes in a procedural group: nothing, the order of the facts, the name, or that the sex is stated."""


def procedural(rng: random.Random, largest: int = 12) -> tuple[dict[str, str | int], Builder]:
    """A random family structure with numbers up to `largest`, and its statement in each of VARIANTS.

    Returns the params that describe the structure, and the builder. The numbers, the relation asked for and the
    sentence form are the same in all variants; only what the variant names changes.
    """
    sex: Sex = rng.choice(("female", "male"))
    name, other = rng.sample(NAMES[sex], 2)
    asked: Relation = rng.choice(("sisters", "sisters", "brothers"))
    of: Relation = rng.choice(("brothers", "brothers", "sisters"))
    # The same number twice would hide which of the two a model copied.
    brothers, sisters = rng.sample(range(1, largest + 1), 2)
    order: tuple[Relation, Relation] = rng.choice((("brothers", "sisters"), ("sisters", "brothers")))
    form = rng.choice(SIBLING_FORMS)

    def build(variant: str) -> Problem:
        person = Siblings(other if variant == "renamed" else name, sex, brothers, sisters, asked, of)
        facts_order = (order[1], order[0]) if variant == "swapped" else order
        return siblings(person, facts_order, form, stated_sex=variant == "stated")

    what: dict[str, str | int] = {"brothers": brothers, "sisters": sisters, "asked": asked, "of": of, "form": form}
    return what, build
