"""Every style of writing a plan is read alike in every domain and world: the texts come from the wording."""

import json
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.pddl.execute import Validator
from harness.pddl.lexicon import Step
from harness.pddl.plan_text import PlanText, read
from harness.pddl_domains import World, mystery, plain, randomised
from harness.reading.envelope import clean
from harness.tasks.planning.instances import compiled

PROBLEMS = {
    "blocksworld": "(:objects a b c d) (:init (handempty) (ontable a) (on b a) (clear b) (ontable c) (clear c)"
    " (ontable d) (clear d)) (:goal (and (on a b)))",
    "logistics": "(:objects p0 p1 t0 t1 a0 l0-0 l0-1 l1-0 l1-1 c0 c1) (:init (package p0) (package p1) (truck t0)"
    " (truck t1) (airplane a0) (location l0-0) (location l0-1) (location l1-0) (location l1-1) (airport l0-0)"
    " (airport l1-0) (city c0) (city c1) (in-city l0-0 c0) (in-city l0-1 c0)"
    " (in-city l1-0 c1) (in-city l1-1 c1) (at p0 l0-0)"
    " (at p1 l1-1) (at t0 l0-1) (at t1 l1-0) (at a0 l0-0)) (:goal (and (at p0 l1-0)))",
    "depots": "(:objects depot0 - depot distributor0 - distributor truck0 - truck hoist0 hoist1 - hoist pallet0 pallet1"
    " - pallet crate0 crate1 - crate) (:init (at pallet0 depot0) (at pallet1 distributor0) (at truck0 depot0)"
    " (at hoist0 depot0) (available hoist0) (at hoist1 distributor0) (available hoist1) (at crate0 depot0)"
    " (on crate0 pallet0) (at crate1 depot0) (on crate1 crate0) (clear crate1) (clear pallet1))"
    " (:goal (and (on crate1 pallet1)))",
    "gripper": "(:objects room1 room2 ball1 ball2 left right) (:init (room room1) (room room2) (ball ball1)"
    " (ball ball2) (gripper left) (gripper right) (at-robby room1) (at-ball ball1 room1) (at-ball ball2 room2)"
    " (free left) (free right)) (:goal (and (at-ball ball1 room2)))",
}
WORLDS = ("plain", "mystery", "random")


class Case:
    """A domain in a world, and a walk through a problem of it."""

    def __init__(self, domain: str, world: str, seed: int = 0) -> None:
        base = plain(domain)
        self.world: World = base if world == "plain" else mystery(base) if world == "mystery" else randomised(base, 7)
        objects = PROBLEMS[domain].partition("(:objects ")[2].partition(")")[0].split()
        names = [o for o in objects if o not in ("-", "depot", "distributor", "truck", "hoist", "pallet", "crate")]
        others = self.world.other_objects(names, seed=3)
        name = self.world.domain.name
        problem = self.world.rename(f"(define (problem p) (:domain {base.domain.name}) {PROBLEMS[domain]})", others)
        self.validator: Validator = compiled(
            self.world, problem.replace(f"(:domain {base.domain.name})", f"(:domain {name})")
        )
        self.lexicon = self.world.lexicon(frozenset(self.validator.problem.objects))
        self.steps = self.walk(random.Random(seed), 6)
        self.said = [self.world.sentence(step) for step in self.steps]

    def walk(self, rng: random.Random, length: int) -> tuple[Step, ...]:
        facts, steps = frozenset(self.validator.problem.init), list[Step]()
        while len(steps) < length:
            choices = [s for s in self.validator.applicable(facts) if len(set(s)) == len(s) and s not in steps[-1:]]
            step = rng.choice(choices)
            facts = self.validator.apply(facts, step) or facts
            steps.append(step)
        return tuple(steps)

    def read(self, text: str) -> PlanText:
        return read(text, self.lexicon, self.validator.of_kinds)


CASES = {(domain, world): Case(domain, world) for domain in PROBLEMS for world in WORLDS}


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def listed(marker: str, said: Sequence[str], before: str = "", behind: str = "") -> str:
    """A list with this marker ("{i}." ...), and words before and behind each step."""
    rows = enumerate(said, 1)
    return "\n".join(
        f"{marker.replace('{i}', str(i))}{before}{capital(s) if not before else s}{behind}" for i, s in rows
    )


MARKERS = [
    "{i}. ",
    "{i}) ",
    "({i}) ",
    "{i} - ",
    "{i} – ",
    "{i}: ",
    "#{i} ",
    "[{i}] ",
    "{i}\\. ",
    "0{i}. ",
    "{i}/ ",
    "{i} | ",
    "{i} => ",
    "Step {i}: ",
    "Step {i} - ",
    "Step {i} → ",
    "**Step {i}:** ",
    "### Step {i}: ",
    "Step #{i}: ",
    "Step {i} of 6: ",
    "S{i}: ",
    "Step {i} of the plan: ",
    "[Step {i}] ",
    "step_{i}: ",
    "Action {i}: ",
    "Action #{i}: ",
    "Move {i}: ",
    "Operation {i}: ",
    "Task {i}: ",
    "t={i}: ",
    "{i}.000: ",
    "Schritt {i}: ",
    "- {i}. ",
    "**{i}.** ",
    "> {i}. ",
    "| {i} | ",
    "- ",
    "* ",
    "+ ",
    "• ",
    "– ",
    "· ",
    "○ ",
    "■ ",
    "▶ ",
    "→ ",
    "✓ ",
    "✅ ",
    "☐ ",
    "- [ ] ",
    "[x] ",
    ">> ",
    "=> ",
    "👉 ",
    "🔹 ",
    "<li>",
    "Action: ",
    "Do: ",
    "Then: ",
    "Next: ",
]
BEFORE = [
    "I'd ",
    "I will ",
    "We can now ",
    "You should ",
    "The agent must ",
    "Let's ",
    "Let us ",
    "Please ",
    "Then I ",
    "Next, ",
    "The next action is to ",
    "The first thing to do is to ",
    "To get on, ",
    "With that done, ",
    "Since it is needed, ",
    "Once this is done, ",
    "At this point, ",
    "Perform the action: ",
    "Execute: ",
    "Apply ",
    "Go ahead and ",
    "It is time to ",
    "Okay, ",
    "In order to make progress, ",
    "Start by ",
    "My next move is to ",
]
BEHIND = [
    " because it is not needed yet",
    " which was not possible before",
    ". We can then {next}.",
    ", so we can then {next}",
    ". Next, we will {next}.",
    " before we {next}",
    " so that we can {next}",
    " – needed to {next}",
    ". This allows us to {next}.",
    "; otherwise we could not {next}",
    " (then {next})",
    " instead of trying to {next}",
    ". The goal is to {next}.",
    ", and then we can {next}",
    " – don't do anything else yet",
    " (this is not a mistake)",
    " - this is not optional",
    " without moving anything else",
    " => ok",
    " # ok",
    " ; ok",
    " [valid]",
    " (cost 1)",
    " for now",
    ". Check: ok.",
    " ✓",
    "\n   - Purpose: to be able to {next}",
    "\n   Reason: it is needed.",
    "\n   (We cannot {next} yet.)",
    ": this is needed",
]
PDDL: dict[str, Callable[[Case], str]] = {
    "lines": lambda c: "\n".join(f"({' '.join(s)})" for s in c.steps),
    "one line": lambda c: " ".join(f"({' '.join(s)})" for s in c.steps),
    "commas": lambda c: "\n".join(f"({s[0]} {', '.join(s[1:])})" for s in c.steps),
    "timed": lambda c: "\n".join(f"{i}.000: ({' '.join(s)}) [1.000]" for i, s in enumerate(c.steps)),
    "underscored": lambda c: "\n".join(f"({'_'.join(s)})" for s in c.steps),
    "bare": lambda c: "\n".join(" ".join(s) for s in c.steps),
    "calls": lambda c: "\n".join(f"{i}. {s[0]}({', '.join(s[1:])})" for i, s in enumerate(c.steps, 1)),
    "names of the prompt": lambda c: "\n".join(f"({s[0]} {' '.join(snake(c, s))})" for s in c.steps),
    "calls with names of the prompt": lambda c: "\n".join(f"{s[0]}({', '.join(phrases(c, s))})" for s in c.steps),
    "words behind": lambda c: "\n".join(f"({' '.join(s)}) ; {said}" for s, said in zip(c.steps, c.said, strict=True)),
    "words before": lambda c: listed("{i}. ", [f"{w} (({' '.join(s)}))" for s, w in zip(c.steps, c.said, strict=True)]),
}
OTHERS: dict[str, Callable[[Case], str]] = {
    "json sentences": lambda c: json.dumps({"reasoning": "as needed", "plan": c.said}),
    "json objects": lambda c: json.dumps([{"step": i, "action": s, "reason": "-"} for i, s in enumerate(c.said)]),
    "json args": lambda c: json.dumps([{"action": s[0], "args": list(s[1:])} for s in c.steps]),
    "json args of the prompt": lambda c: json.dumps([{"name": s[0], "parameters": phrases(c, s)} for s in c.steps]),
    "json lines": lambda c: "\n".join(json.dumps({"action": s}) for s in c.said),
    "tool calls": lambda c: "\n".join(
        f"<tool_call>{json.dumps({'name': s[0], 'arguments': list(s[1:])})}</tool_call>" for s in c.steps
    ),
    "tuples": lambda c: str(list(c.steps)),
    "a list of Python": lambda c: f"plan = {c.said}",
    "one line": lambda c: ", then ".join(c.said) + ".",
    "arrows": lambda c: " → ".join(c.said),
    "numbers in one line": lambda c: "Plan: " + ", ".join(f"({i}) {s}" for i, s in enumerate(c.said, 1)),
    "prose": lambda c: "First, I " + ". Then I ".join(c.said) + ". This reaches the goal.",
    "pairs": lambda c: listed("{i}. ", [f"{a} and then {b}" for a, b in zip(c.said[::2], c.said[1::2], strict=True)]),
    "letters": lambda c: "\n".join(f"{letter}) {s}" for letter, s in zip("abcdef", c.said, strict=True)),
    "words": lambda c: "\n".join(
        f"Step {w}: {s}" for w, s in zip("one two three four five six".split(), c.said, strict=True)
    ),
    "table": lambda c: (
        "| # | Action | Why |\n|---|---|---|\n"
        + "\n".join(f"| {i} | {s} | it helps |" for i, s in enumerate(c.said, 1))
    ),
    "breaks": lambda c: "<br>".join(f"{i}. {s}" for i, s in enumerate(c.said, 1)),
    "quoted": lambda c: listed('{i}. "', c.said, behind='"'),
    "upper case": lambda c: "\n".join(c.said).upper(),
    "escaped": lambda c: listed("{i}. ", c.said).replace("_", "\\_"),
    "blanks for underscores": lambda c: listed("{i}. ", c.said).replace("_", " "),
    "action and reason": lambda c: "\n\n".join(
        f"Step {i}\nAction: {s}\nReason: it is needed." for i, s in enumerate(c.said, 1)
    ),
    "thoughts": lambda c: "\n".join(f"Thought: go on.\nAction: {s}\nObservation: done." for s in c.said),
    "closed thinking": lambda c: f"<think>{c.said[0]}</think>\n{listed('{i}. ', c.said)}",
}


def phrases(case: Case, step: Step) -> list[str]:
    return [case.world.wording.phrase(o) for o in step[1:]]


def snake(case: Case, step: Step) -> list[str]:
    return [phrase.replace(" ", "_") for phrase in phrases(case, step)]


@pytest.mark.parametrize("key", list(CASES), ids="-".join)
@pytest.mark.parametrize("marker", MARKERS)
def test_every_marker_of_steps_is_known(marker: str, key: tuple[str, str]) -> None:
    case = CASES[key]
    assert case.read(listed(marker, case.said)).steps == case.steps


@pytest.mark.parametrize("key", list(CASES), ids="-".join)
@pytest.mark.parametrize("before", BEFORE)
def test_words_before_an_action_are_no_part_of_it(before: str, key: tuple[str, str]) -> None:
    case = CASES[key]
    assert case.read(listed("{i}. ", case.said, before)).steps == case.steps


@pytest.mark.parametrize("key", list(CASES), ids="-".join)
@pytest.mark.parametrize("behind", BEHIND)
def test_words_in_a_reason_are_no_step(behind: str, key: tuple[str, str]) -> None:
    case = CASES[key]
    following = [*case.said[1:], case.said[0]]
    rows = [
        f"{i}. {capital(s)}{behind.replace('{next}', n)}"
        for i, (s, n) in enumerate(zip(case.said, following, strict=True), 1)
    ]
    assert case.read("\n".join(rows)).steps == case.steps


@pytest.mark.parametrize("key", list(CASES), ids="-".join)
@pytest.mark.parametrize("form", [*PDDL, *OTHERS])
def test_every_notation_is_known_with_the_names_of_prompt_and_problem(form: str, key: tuple[str, str]) -> None:
    case = CASES[key]
    assert case.read((PDDL | OTHERS)[form](case)).steps == case.steps


def lists(case: Case) -> dict[str, str]:
    """Texts that commit to the case's plan, with other lists beside it."""
    s = case.said
    plan, cut, other = listed("{i}. ", s), listed("{i}. ", s[:3]), listed("{i}. ", [s[4], s[1]])
    wrong = listed("{i}. ", [s[0], s[1], s[0], *s[3:]])
    from_third = "\n".join(f"{i}. {x}" for i, x in list(enumerate(s, 1))[2:])
    return {
        "draft": f"Draft:\n{other}\n\nFinal plan:\n{plan}",
        "attempts": f"**Attempt 1**\n{cut}\n\nThis fails.\n\n**Attempt 2**\n{plan}\n\nThis works.",
        "started over": f"{cut}\n\nWait, that is not possible.\n\n{plan}",
        "idea in prose": f"The idea: {s[0]}, then {s[4]}.\n\nFinal plan:\n{plan}",
        "outline": f"Outline:\n- {s[0]}\n- {s[4]}\n\nPlan:\n{plan}",
        "recap": f"{plan}\n\nSummary:\n" + "\n".join(f"- {x}" for x in s),
        "trace": f"{plan}\n\nCheck:\n" + "\n".join(f"- Step {i}: {x} -> ok" for i, x in enumerate(s, 1)),
        "a check of some": f"{plan}\n\nLet me verify:\n1. {s[0]}: fine.\n2. {s[2]}: fine.",
        "phases": f"Phase 1:\n{cut}\n\nPhase 2:\n{listed('{i}. ', s[3:])}",
        "phases with bullets": "1. **First half**\n"
        + "".join(f"   - {x}\n" for x in s[:3])
        + "2. **Rest**\n"
        + "".join(f"   - {x}\n" for x in s[3:]),
        "the list goes on": f"{cut}\n\nFinally:\n" + "\n".join(f"{i}. {x}" for i, x in list(enumerate(s, 1))[3:]),
        "corrected by number": f'{wrong}\n\nCorrection: step 3 should be "{s[2]}" instead.',
        "corrected from a number": f"{cut}\nNo, scratch that. Step 3 should be:\n{from_third}",
        "corrected in the step": f"1. {s[0]}\n2. {s[5]} - wait, that is not possible yet. Instead: {s[1]}\n"
        + from_third,
        "a step left out": listed("{i}. ", [*s[:2], s[4], *s[2:]]) + "\n\nStep 3 is a mistake and must be left out.",
        "steps swapped": listed("{i}. ", [s[1], s[0], *s[2:]]) + "\n\nCorrection: steps 1 and 2 should be swapped.",
        "decided": f"Option 1:\n{other}\n\nOption 2:\n{plan}\n\nI choose option 2.",
        "a new question": f"{plan}\n\nQuestion: And now?\nAnswer:\n{other}",
        "a new statement": f"[PLAN]\n{plan}\n[PLAN END]\n\n[STATEMENT]\nNow this.\n[PLAN]\n{other}\n[PLAN END]",
        "the next turn": f"{plan}\n\nHuman: And now?\nAssistant: {s[0]}",
        "not sure": f"{plan}\n\nPlease check this plan, as I may have made a mistake.",
        "other plans fail": f"{plan}\n\nA shorter plan does not work.",
        "the last item is a remark": f"{plan}\n7. Done: the goal is reached.",
        "the last action again": f'{plan}\n\nThe last action, "{s[5]}", completes the goal.',
        "a question before": f"Can we {s[4]} right away? No.\n\n{plan}",
    }


@pytest.mark.parametrize("key", list(CASES), ids="-".join)
def test_of_several_lists_the_one_that_is_meant_is_read(key: tuple[str, str]) -> None:
    case = CASES[key]
    assert {name: case.read(text).steps for name, text in lists(case).items()} == dict.fromkeys(lists(case), case.steps)


@pytest.mark.parametrize("key", list(CASES), ids="-".join)
def test_what_is_taken_back_or_not_decided_is_no_plan(key: tuple[str, str]) -> None:
    case = CASES[key]
    plan, other = listed("{i}. ", case.said), listed("{i}. ", [case.said[4], case.said[1]])
    for text in (
        f"{plan}\n\nThis does not work, and I was not able to find a plan that does.",
        f"{plan}\n\nHowever, this plan does not reach the goal.",
        f"{plan}\n\nI made a mistake in this plan.",
        f"Plan A:\n{plan}\n\nPlan B:\n{other}",
        f"Option 1:\n{plan}\n\nOption 2:\n{other}",
        f"{plan}\n7. Do the same for the rest.",
        plan.replace("4. ", "4. Do not "),
    ):
        found = case.read(text)
        assert (found.steps, bool(found.reason)) == ((), True), text


def test_a_plan_is_final_if_something_behind_it_ends_it() -> None:
    case = CASES["blocksworld", "plain"]
    plan = listed("{i}. ", case.said)
    ended = [f"```\n{plan}\n```", f"<answer>\n{plan}\n</answer>", f"[PLAN]\n{plan}\n[PLAN END]", f"{plan}\n\nThis rea"]
    ended.append(json.dumps({"plan": case.said}))
    open_ones = [plan, f"```\n{plan}", f"[PLAN]\n{plan}", f"<answer>\n{plan}", json.dumps({"plan": case.said})[:-2]]
    assert [case.read(text).final for text in ended] == [True] * len(ended)
    assert [case.read(text).final for text in open_ones] == [False] * len(open_ones)


def test_own_names_are_those_that_the_writer_defines() -> None:
    lexicon = plain("blocksworld").lexicon(frozenset("abc"))
    for text in (
        "Let X = the red block, Y = the blue block.\n\n1. Stack X on Y",
        "the red block (X), the blue block (Y)\n\n1. Stack X on Y",
    ):
        assert read(text, lexicon).steps == (("stack", "a", "b"),)


@given(st.sampled_from(list(CASES)), st.integers(0, 2**31), st.sampled_from([*PDDL, *OTHERS]))
@settings(deadline=None, max_examples=150)
def test_any_plan_in_any_notation_is_read_back(key: tuple[str, str], seed: int, form: str) -> None:
    case = Case(*key, seed=seed % 50)
    assert case.read((PDDL | OTHERS)[form](case)).steps == case.steps


WORDS = [
    "1. ",
    "2. ",
    "- ",
    "attack ",
    "object a",
    " object b",
    "feast ",
    " from ",
    "\n",
    "\n\n",
    "wait, ",
    "step 2 should be ",
    "final plan:",
    "(",
    ")",
    "{",
    '"',
    "[PLAN]",
    "<answer>",
    "because ",
    "not ",
    "option 1:\n",
    "| ",
    ", then ",
    "it",
    "```\n",
]


@given(st.lists(st.sampled_from(WORDS), max_size=60).map("".join) | st.text(max_size=300))
@example("\x1b \u00b9")
@settings(deadline=None, max_examples=400)
def test_any_text_gives_steps_or_a_reason(text: str) -> None:
    found = CASES["blocksworld", "mystery"].read(text)
    assert bool(found.steps) != bool(found.reason)
    assert clean(text) is not None
