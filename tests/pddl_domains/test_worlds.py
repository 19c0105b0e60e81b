"""Worlds: every domain under other names, that tell nothing, and back."""

import contextlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.pddl.parse import parse_domain
from harness.pddl_domains import SHIPPED, mystery, own, plain, randomised, rename
from harness.pddl_domains.wording import WordingError, read_wording


@pytest.mark.parametrize("domain", SHIPPED)
@pytest.mark.parametrize("which", ["mystery", "random"])
def test_a_renamed_world_tells_nothing_of_what_it_is_about(domain: str, which: str) -> None:
    world = mystery(plain(domain)) if which == "mystery" else randomised(plain(domain), 7)
    domain = plain(domain).domain
    telling = {domain.name, *domain.actions, *domain.predicates, *domain.types} - {"object", "at", "in", "on"}
    said = re.findall(r"[a-z-]+", world.pddl + world.rules.lower())
    assert not telling.intersection(said)


@pytest.mark.parametrize("domain", SHIPPED)
def test_the_mystery_names_are_fixed_and_distinct(domain: str) -> None:
    names = mystery(plain(domain)).names
    assert mystery(plain(domain)).names == names
    assert len(set(names.values())) == len(names)


@given(st.integers(0, 2**31), st.sampled_from(SHIPPED))
@settings(max_examples=40, deadline=None)
def test_renaming_and_back_is_the_identity(seed: int, domain: str) -> None:
    base = plain(domain)
    for world in (randomised(base, seed), mystery(base)):
        back = {used: name for name, used in world.names.items()}
        assert rename(world.pddl, back) == base.pddl
        assert parse_domain(world.pddl).actions.keys() == {world.names[a] for a in base.domain.actions}


def test_random_names_are_new_for_every_seed() -> None:
    names = [set(randomised(plain("blocksworld"), seed).names.values()) - {"unnamed"} for seed in range(40)]
    assert all(len(n) == 9 for n in names)
    assert not set.intersection(*names)


def test_objects_that_say_what_they_are_get_other_names() -> None:
    assert plain("blocksworld").other_objects(["a", "b"], 0) == {}
    other = mystery(plain("logistics")).other_objects(["p0", "t0", "l0-0"], 3)
    assert sorted(other) == ["l0-0", "p0", "t0"]
    assert sorted(other.values()) == ["o1", "o2", "o3"]


def test_rules_say_what_types_include() -> None:
    assert "- Every crate is a surface." in plain("depots").rules


OWN = """(define (domain ferry) (:requirements :strips :typing) (:types car place)
  (:predicates (at ?the-car - car ?p - place) (empty))
  (:action sail :parameters (?the-car - car ?from - place) :precondition (and (at ?the-car ?from) (empty))
   :effect (and (not (empty)) (not (at ?the-car ?from)))))"""


def test_a_domain_without_wording_is_said_by_its_names_and_renamed_as_a_whole() -> None:
    world = own(OWN)
    assert world.sentence(("sail", "c1", "p1")) == "sail c1 p1"
    for other in (mystery(world), randomised(world, 1)):
        assert not re.search(r"ferry|car|place|sail|empty|from", other.pddl)
        assert other.sentence((other.names["sail"], "o1", "o2")) == f"{other.names['sail']} object o1 object o2"


def test_what_can_not_be_said_is_an_error_and_not_a_wrong_rule() -> None:
    action = "(:action a :parameters (?x) :precondition (or (p ?x) (q ?x)) :effect (p ?x))"
    world = own(f"(define (domain d) (:predicates (p ?x) (q ?x)) {action})")
    with pytest.raises(UsageError, match="can't be said in words"):
        print(world.rules)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("actions:\n  stack: stack {0}", 2, "must have {0}, {1}"),
        ("actions:\n  stak: stack {0} {1}", 2, "the domain has no 'stak'"),
        ("predicates:\n\n  on: '{0} on {1} {1}'", 3, "each once"),
        ("actions:\n  stack: from {1} stack {0}", 2, "in order"),
        ("words: {}", 1, "there is no section 'words'"),
        ("actions: [a, b]", 1, "must be a mapping"),
        ("actions:\n  stack: [a]", 2, "expected a text"),
        ("actions:\n  stack: x {0} {1}\n  stack: y {0} {1}", 3, "comes twice"),
        ("mystery:\n  stack: craves\n  on: craves", 3, "no other name"),
        ("renamed:\n  stack: foo {0} {1}", 2, "the name's place"),
        ("actions:\n  stack: put {x} {0} {1}", 2, "braces hold a number"),
        ("actions: {", 1, "not valid YAML"),
        ("also:\n  stack: place", 2, "a list of phrases"),
    ],
)
def test_a_wrong_wording_is_explained_with_its_line(text: str, line: int, what: str) -> None:
    with pytest.raises(WordingError, match=re.escape(what)) as error:
        read_wording(text, plain("blocksworld").domain)
    assert f"wording.yaml, line {line}:" in str(error.value)


@given(st.text(max_size=200))
def test_any_text_as_wording_is_read_or_explained(text: str) -> None:
    with contextlib.suppress(WordingError):
        read_wording(text, plain("gripper").domain)


def test_more_names_than_words_still_have_names() -> None:
    actions = "".join(f"(:action a{i} :parameters () :effect (p{i}))" for i in range(120))
    predicates = " ".join(f"(p{i})" for i in range(120))
    world = mystery(own(f"(define (domain many) (:predicates {predicates}) {actions})"))
    assert len(set(world.names.values())) == len(world.names) == 241
