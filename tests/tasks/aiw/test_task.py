"""AIW samples: the published protocol literally, matched groups, and baselines that mean what they say."""

import itertools
import json
import random
import re
from pathlib import Path

import pytest

from harness.errors import DataError, UsageError
from harness.options import build
from harness.tasks.aiw import examples
from harness.tasks.aiw.prompts import PROMPT_TYPES, SUFFIXES, published
from harness.tasks.aiw.task import AIW, FAMILIES


def aiw(**options: str) -> AIW:
    return build(AIW, options, "task aiw")


def samples(task: AIW, limit: int | None = None, seed: int = 0):
    return list(itertools.islice(task.samples(seed), limit or task.limit))


def test_default_is_two_families_four_variations_three_prompt_types_thirty_epochs() -> None:
    task = aiw()
    assert len(samples(task)) == 24
    assert task.epochs == 30
    assert task.sampling.temperature == 1.0


def test_the_published_prompts_are_quoted_literally() -> None:
    by_id = {s.id: s for s in samples(aiw(prompt="all"))}
    assert by_id["original/V1/standard"].messages[0].content == (
        "Alice has 3 brothers and she also has 6 sisters. How many sisters does Alice's brother have? Solve this "
        'problem and provide the final answer in following form: "### Answer: ".'
    )
    assert by_id["original/V3/thinking_v2"].messages[0].content == (
        "Alice has 4 sisters and she also has 1 brother. How many sisters does Alice's brother have? Before providing "
        "answer to this problem, think carefully step by step and double check the path to the correct solution for "
        'any mistakes. Provide then the final answer in following form: "### Answer: ".'
    )
    assert (
        by_id["original/V4/restricted"]
        .messages[0]
        .content.endswith('DO NOT OUTPUT ANY TEXT EXCEPT following format that contains final answer: "### Answer: ".')
    )


@pytest.mark.parametrize(
    ("family", "answers"),
    [
        ("original", "7 3 5 2 4 6"),
        ("female", "7 3 5 2 4 6"),
        ("friends", "7 3 5 2 4 6"),
        ("extension", "7 3 5 2 4 6"),
        ("plus", "7 3 5 2 4 6"),
        ("bignum", "67 63 65 62 64 66"),
        ("parameterised", "M+1 X+1 Y+1"),
    ],
)
def test_answers_are_those_published(family: str, answers: str) -> None:
    task = aiw(family=family, variations="1-6", prompt="standard")
    assert [s.target for s in samples(task)] == answers.split()


@pytest.mark.parametrize("rule", ["robust", "original"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_oracle_is_always_right(family: str, rule: str) -> None:
    task = aiw(family=family, prompt="all", variations="1-6", rule=rule)
    for sample in samples(task, 120):
        assert task.score(sample.params, task.baseline("oracle", sample, random.Random(0))).value == 1, sample


def test_random_is_near_its_chance_level() -> None:
    """Numbers from 0 to the sum of those stated plus one: for V1 that is 1 in 11."""
    task = aiw(family="original", variations="1", prompt="standard")
    (sample,) = samples(task)
    rng = random.Random(0)
    hits = sum(task.score(sample.params, task.baseline("random", sample, rng)).value for _ in range(4000))
    assert hits / 4000 == pytest.approx(1 / 11, abs=0.02)


def test_shallow_copies_the_stated_number_and_fails_the_original_but_not_the_control() -> None:
    for family, value in (("original", 0), ("light_relation", 1)):
        task = aiw(family=family)
        rng = random.Random(0)
        assert {task.score(s.params, task.baseline("shallow", s, rng)).value for s in samples(task)} == {value}


def test_procedural_groups_differ_in_one_thing_only() -> None:
    for group in _groups(aiw(family="procedural")):
        fixed = {tuple(v for k, v in s.params.items() if k not in ("family", "prompt", "stated")) for s in group}
        assert len(fixed) == 1, "numbers, answer and question are those of the group"
        assert len({s.condition for s in group}) == len(group) == 12
        text = {s.params["family"]: s.messages[0].content for s in group if s.params["prompt"] == "standard"}
        assert len(set(text.values())) == 4
        assert text["procedural_stated"].split(". ", 1)[1] == text["procedural"]
        assert len(text["procedural_swapped"]) == len(text["procedural"])


def _groups(task: AIW):
    return [list(g) for _, g in itertools.groupby(samples(task), key=lambda s: s.group)]


def test_any_multiple_of_a_group_leaves_matched_groups() -> None:
    assert all(len(group) == 12 for group in _groups(aiw(family="procedural")))


def test_neighbouring_seeds_share_no_problem() -> None:
    def structures(seed: int) -> set[str]:
        task = aiw(family="procedural", prompt="none", largest="99")
        return {s.messages[0].content for s in samples(task, 200, seed) if s.params["family"] == "procedural"}

    assert not structures(1) & structures(2)


def test_same_seed_same_samples() -> None:
    task = aiw(family="original,procedural")
    assert samples(task, 60, 5) == samples(task, 60, 5)


def test_a_group_is_one_set_of_numbers_asked_in_every_family_that_shares_it() -> None:
    made = samples(aiw(family="original,female,friends,extension", prompt="standard"))
    groups = {s.group: [t.condition for t in made if t.group == s.group] for s in made}
    assert groups["V1"] == ["original/standard", "female/standard", "friends/standard"]
    assert groups["extension/V1"] == ["extension/standard"], "its numbers are others: nothing is matched with them"
    assert len(groups) == 8
    assert [s.group for s in made] == sorted((s.group for s in made), key=list(groups).index), "one group after another"
    assert {s.target for s in made if s.group == "V1"} == {"7"}


def test_sample_ids_are_unique_over_all_families() -> None:
    made = samples(aiw(family="all", prompt="all", variations="1-6"), 500)
    assert len({s.id for s in made}) == len(made)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "orignal"}, "there is no 'orignal'"),
        ({"prompt": "loud"}, "there is no 'loud'"),
        ({"variations": "1,9"}, "there is no '9'"),
        ({"variations": "x"}, "there is no 'x'"),
        ({"rule": "mine"}, "not one of robust, original"),
        ({"largest": "many"}, "not a whole number"),
        ({"famly": "original"}, "has no option 'famly'"),
        ({"family": ""}, "option family is empty"),
    ],
)
def test_wrong_options_are_explained(options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        aiw(**options)


def test_examples_hold_out_published_numbers_and_whole_families() -> None:
    taken = {(v["brothers"], v["sisters"]) for f in ("original", "bignum") for v in published(f).values()}
    for prompt, answer in itertools.islice(examples.varied(random.Random(1)), 3000):
        assert "friend" not in prompt
        assert "Bob is Alice's brother" not in prompt
        numbers = examples_counts(prompt)
        assert numbers not in taken, prompt
        assert answer


def examples_counts(prompt: str) -> tuple[int, int] | None:
    import re

    if "cousins" in prompt:
        return None
    found = {w.rstrip("s"): int(n) for n, w in re.findall(r"(\d+) (brothers?|sisters?)", prompt)}
    return found["brother"], found["sister"]


def test_examples_are_right_by_our_own_scorer() -> None:
    for prompt, answer in itertools.islice(examples.varied(random.Random(2)), 1000):
        target = answer.rstrip(".").rpartition(" ")[2]
        assert aiw().score({"answer": target}, answer).value == 1, (prompt, answer)


def test_few_shot_examples_are_of_the_sample_s_family_and_prompt_type() -> None:
    """Else every condition would get the same two shots, and a gap between prompts or families would mean little."""
    task = aiw(family="all", prompt="all,none")
    for sample in itertools.islice(task.samples(0), 400):
        family, prompt = str(sample.params["family"]), str(sample.params["prompt"])
        for shot in itertools.islice(task.examples(sample, random.Random(1)), 3):
            assert prompt == "none" or shot.prompt.endswith(SUFFIXES[prompt])
            assert ("friend" in shot.prompt) == (family == "friends")
            assert ("Bob" in shot.prompt) == (family == "extension")
            assert ("cousins" in shot.prompt) == (family == "plus")
            assert shot.prompt.startswith("Alice is female.") == (family == "female")
            assert shot.prompt != sample.messages[-1].content
            if prompt in ("restricted", "format_only"):
                assert shot.answer.startswith("### Answer: ")
            target = shot.answer.rstrip(".").rpartition(" ")[2]
            assert task.score({"answer": target}, shot.answer).value == 1


def test_few_shot_examples_of_a_group_share_their_numbers() -> None:
    task = aiw(family="original,friends,female")
    members = [s for s in task.samples(0) if s.group == "V1" and s.params["prompt"] == "standard"]
    shown = [next(iter(task.examples(sample, random.Random(5)))) for sample in members]
    numbers = [re.findall(r"\d+", shot.prompt.partition("How many")[0]) for shot in shown]
    assert numbers[0] == numbers[1] == numbers[2] != ["3", "6"]


PUBLISHED_LIKE = [
    {"id": 1, "prompt": "P has 2 sisters. Q? " + "Provide", "right_answer": "3", "description": "a"},
    {"id": 2, "prompt": "P has 2 sisters. Q? Again", "right_answer": 3.0, "description": "b"},
    {"id": 3, "prompt": ["one turn", "another"], "right_answer": "3", "description": "c"},
    {"id": 4, "prompt": "P has M sisters. Q?", "right_answer": "null", "description": "d"},
    {"id": 5, "prompt": "P has 2 sisters. Q?", "right_answer": None, "description": "e"},
]


def test_the_published_files_traps_are_handled(tmp_path: Path) -> None:
    file = tmp_path / "prompts.json"
    file.write_text(json.dumps(PUBLISHED_LIKE))
    assert [(s.id, s.target) for s in samples(aiw(prompts=str(file)))] == [
        ("prompt/1", "3"),
        ("prompt/2", "3"),
        ("prompt/4", "M+1"),
    ]
    assert [s.id for s in samples(aiw(prompts=str(file), ids="2-4"))] == ["prompt/2", "prompt/4"]


def test_one_body_with_several_suffixes_is_one_group(tmp_path: Path) -> None:
    suffixes = {s.params["prompt"]: s.messages[0].content for s in samples(aiw(prompt="all", variations="1"))}
    rows = [{"id": i, "prompt": p, "right_answer": "7"} for i, p in enumerate(suffixes.values())]
    file = tmp_path / "prompts.json"
    file.write_text(json.dumps(rows))
    made = samples(aiw(prompts=str(file)))
    assert len({s.group for s in made}) == 1
    assert [s.condition for s in made] == list(PROMPT_TYPES)


@pytest.mark.parametrize("text", ["{", "{}", "[1]", '[{"id": 1}]'])
def test_a_broken_prompts_file_is_a_clear_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "prompts.json"
    file.write_text(text)
    with pytest.raises(DataError, match=r"prompts\.json"):
        samples(aiw(prompts=str(file)))


def test_a_missing_prompts_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        samples(aiw(prompts=str(tmp_path / "no.json")))
