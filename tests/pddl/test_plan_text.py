"""Reading plans out of responses as models write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pddl.plan_text import read
from harness.pddl_domains import mystery, plain

BLOCKS = frozenset("ab")
PLAIN, MYSTERY = plain("blocksworld").lexicon(BLOCKS), mystery(plain("blocksworld")).lexicon(BLOCKS)
TWO = (("pick-up", "a"), ("stack", "a", "b"))


@pytest.mark.parametrize(
    "text",
    [
        "1. Pick up the red block.\n2. Stack the red block on top of the blue block.",
        "1) pick up red\n2) stack red on blue",
        "(pick-up a)\n(stack a b)",
        "```pddl\n(pick-up a)\n(stack a b)\n```",
        "Here is it:\n[PLAN]\npick up the red block\nstack the red block on the blue block\n[PLAN END]\nGood luck!",
        "- **Pick up** the red block\n- **Stack** the red block on top of the blue block\n\nThis reaches the goal.",
        "First, pick up the red block.\nThen, stack the red block onto the blue block.",
        "1. **Pick up the red block**: it is clear.\n   - You can pick up the block.\n"
        "2. **Stack the red block on the blue block**\n   - Put down nothing.",
        "1. Pick up the red block.\n2. Stack the red block on the blue block.\n\n**Summary:**\n"
        "1. Pick up the red block.\n2. Stack the red block on the blue block.",
        "1. Unstack red from yellow.\n\nCorrected plan:\n1. Pick up red.\n2. Stack red on blue.",
        "1. Stack the red block on the blue block is not possible yet, so pick up red.\n2. Stack red on blue.",
        "1. PickUp(red)\n2. Stack(red, blue)",
        "1. pickup(a)\n2. stack(a, b)",
        "1. Pick up red 2. Stack red on blue",
        "Pick up the red block; then stack the red block on the blue block",
        "| Step | Action |\n|---|---|\n| 1 | Pick up the red block |\n| 2 | Stack the red block on the blue block |",
        '["pick up the red block", "stack the red block on top of the blue block"]',
        "Pick up the red block, then stack the red block on top of the blue block.",
        "First, pick up the red block. Second, stack the red block on top of the blue block.",
        "(a) pick up the red block\n(b) stack the red block on top of the blue block",
        "i. pick up the red block\nii. stack the red block on top of the blue block",
        "\\boxed{\\text{1. pick up the red block 2. stack the red block on top of the blue block}}",
        "Step 1: Pick up the red block\nStep 2: Stack the red block on top of the blue block",
        "<think>1. put down the red block</think>1. pick up the red block\n2. stack the red block on the blue block",
        "**Goal 1:**\n1. Pick up the red block.\n\n**Goal 2:**\n1. Stack the red block on the blue block.",
        "\\begin{enumerate}\n  \\item Pick up the red block\n  \\item Stack red on blue\n\\end{enumerate}",
        "[1/2] Pick up the red block\n[2/2] Stack the red block on the blue block",
        "```python\ndef act(robot):\n    robot.pick_up('red')\n    robot.stack('red', 'blue')\n```",
        "We begin by picking up the red block. This is followed by stacking the red block on the blue block.",
        "1. Pick up the red block\n2. Now that you are holding the red block, stack red on blue",
        "1. Stack red on blue\n\nI forgot one: before step 1 you must add: pick up red.",
        "1. Pick up red\n2. Stack red on blue\n\nCan you tell what would happen if step 1 were left out?",
        "Option 1\n1. Pick up blue\n2. Stack blue on red\n\nOption 2\n1. Pick up red\n2. Stack red on blue\n\n"
        "Option 1 has a step that isn't possible, so my answer is Option 2.",
    ],
)
def test_one_plan_in_many_forms(text: str) -> None:
    assert read(text, PLAIN).steps == TWO


@pytest.mark.parametrize(
    "text",
    [
        "1. Attack object a\n2. Overcome object a from object b",
        "- Attack a\n- Overcome a from b",
        "(attack a)\n(overcome a b)",
        "1. Attack(a)\n2. Overcome(a, b)",
    ],
)
def test_other_names_other_words(text: str) -> None:
    assert read(text, MYSTERY).steps == (("attack", "a"), ("overcome", "a", "b"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I can't do that.",
        "1. Attack the moon\n2. Dance",
        "<think>1. attack object a",
        "The goal is to overcome fear.",
    ],
)
def test_no_plan_is_no_plan(text: str) -> None:
    found = read(text, MYSTERY)
    assert found.steps == ()
    assert found.reason


@pytest.mark.parametrize(
    "step",
    [
        "Do not overcome object a from object b", "We cannot overcome object a from object b",
        "Move object a away", "Do the same for object b", "Repeat steps 1-2 for object b", "...",
        "Overcome object a from object b - wait, that is not possible",
        "Overcome object a from object b is not possible",
    ],
)  # fmt: skip
def test_a_listed_step_that_can_not_be_read_or_is_denied_makes_the_plan_unreadable(step: str) -> None:
    found = read(f"1. Attack object a\n2. {step}\n3. Attack object b", MYSTERY)
    assert found.steps == ()
    assert "can't be read" in found.reason


@pytest.mark.parametrize(
    "text",
    [
        "1. Pick up the red block\n...\n4. Stack the red block on the blue block",
        "(pick-up a)\n(... continue in the same way ...)\n(stack a b)",
        "1. Pick up the red block or pick up the blue block\n2. Stack the red block on the blue block",
        "(pick-up a)\n(not (stack a b))",
        "1. Pick up the red block\n2. Stack the red block on block77",
        "1. Pick up the red block\n2. Stack the red block on a suitable block",
        "Plan A\n1. Pick up red\n2. Stack red on blue\n\nPlan B\n1. Pick up blue\n2. Stack blue on red\n\n"
        "I can't tell which of the two is the right one.",
    ],
)
def test_steps_that_are_missing_or_left_open_make_no_plan(text: str) -> None:
    found = read(text, PLAIN)
    assert not found.steps or any("" in step for step in found.steps)


def test_a_list_that_is_cut_in_a_step_is_not_final() -> None:
    assert read("1. Pick up red\n2. Stack red on blue\n\nThis works.", PLAIN).final
    for begun in ("\n3", "\n3.", "\n(put-down", "\n-"):
        assert not read("1. Pick up red\n2. Stack red on blue" + begun, PLAIN).final


def test_an_object_that_is_left_out_is_left_open() -> None:
    assert read("1. Attack object a\n2. Overcome object a", MYSTERY).steps == (("attack", "a"), ("overcome", "a", ""))


def test_a_remark_takes_nothing_back() -> None:
    text = "1. Pick up the red block (this is not necessary, but so be it)\n2. Stack the red block on the blue block"
    assert read(text, PLAIN).steps == TWO


@given(st.lists(st.sampled_from(sorted("abcd")), min_size=1, max_size=12))
def test_our_own_wording_is_read_back(blocks: list[str]) -> None:
    base = plain("blocksworld")
    for world in (base, mystery(base)):
        steps = [(world.names.get("pick-up", "pick-up"), b) for b in blocks]
        text = "\n".join(f"{i}. {world.sentence(s).capitalize()}" for i, s in enumerate(steps, 1))
        assert read(text, world.lexicon(frozenset(blocks))).steps == tuple(steps)


@given(st.text(alphabet="pickustandown 123.()[]*-:\nredblu", max_size=200))
def test_any_text_gives_steps_or_a_reason(text: str) -> None:
    found = read(text, PLAIN)
    assert bool(found.steps) != bool(found.reason)


@pytest.mark.parametrize(
    "piece",
    ["1. pick up ", "pick up the red block; ", "(pick-up a) ", "then ", "[PLAN]", "red ", "- ", "((((", "a, b "]
    + [f"a{' ' * 1990}b\n", f"{' ' * 1990}1.\n", f"pick up the red block{' ' * 1990}x\n"],
)
def test_a_megabyte_of_anything_is_read_in_linear_time(piece: str) -> None:
    for end in ("", "\n"):
        read((piece + end) * (1_000_000 // len(piece)), PLAIN)
