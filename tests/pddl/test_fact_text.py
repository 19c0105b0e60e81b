"""Reading facts out of responses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pddl.fact_text import read_facts
from harness.pddl_domains import mystery, plain

OBJECTS = frozenset("abc")
PLAIN, MYSTERY = plain("blocksworld").facts(OBJECTS), mystery(plain("blocksworld")).facts(OBJECTS)
STATE = {("on", "a", "b"), ("clear", "a"), ("ontable", "b"), ("handempty",)}


@pytest.mark.parametrize(
    "text",
    [
        "Resulting state:\n- the red block is on top of the blue block\n- the red block is clear\n"
        "- the blue block is on the table\n- your hand is empty",
        "After step 1 the red block is on the table.\n\n**Resulting state:**\n1. The red block is on the blue block.\n"
        "2. The red block is clear.\n3. The blue block is on the table.\n4. The hand is empty.",
        "(on a b)\n(clear a)\n(ontable b)\n(handempty)",
        "The final state is: the red block is on top of the blue block, the red block is clear, the blue block is on "
        "the table, and your hand is empty.",
        "- the red block is clear\n- the red block is on the table\n\nThen it is moved. So:\n\n(on a b) (clear a)\n"
        "(ontable b) (handempty)",
        "Resulting state:\n- red_block is clear\n- the red block is on top of the blue block\n"
        "- the blue block is on the table\n- your hand is empty\n- it is no longer true that the blue block is clear",
    ],
)
def test_one_state_in_many_forms(text: str) -> None:
    assert read_facts(text, PLAIN).facts == STATE


def test_other_names_other_words() -> None:
    text = "Resulting state:\n- object a craves object b\n- province object a\n- harmony"
    assert read_facts(text, MYSTERY).facts == {("craves", "a", "b"), ("province", "a"), ("harmony",)}


def test_a_listed_fact_that_can_not_be_read_is_not_dropped() -> None:
    found = read_facts("Resulting state:\n- the red block is clear\n- the purple block is clear", PLAIN)
    assert found.facts is None
    assert "purple" in found.reason


@given(st.text(alphabet="abc ()-\nthe red blue block is on top of clear:1.", max_size=400))
def test_any_text_is_read(text: str) -> None:
    found = read_facts(text, PLAIN)
    assert (found.facts is None) == bool(found.reason)


def test_a_long_text_takes_no_long_time() -> None:
    read_facts("the " * 100_000 + "\n" + "(" * 100_000, PLAIN)
