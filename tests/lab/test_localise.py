"""From the gap to the place and back: a model whose fault sits at one site by construction, and the packaged one."""

import json
import random
import re
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

pytest.importorskip("torch", reason="the lab's tests need torch: tox -e lab")
import torch

from harness import plugins
from harness.errors import HarnessError, UsageError
from harness.lab import localise, localise_found
from harness.lab import localise_study as localise_study_module
from harness.lab.localise import Row, Where
from harness.lab.localise_found import Prediction
from harness.lab.localise_study import Settings, forwards, localise_study
from harness.lab.matched import FACT, halves, matched
from harness.lab.models import LabModel, open_model
from harness.lab.studies import Asked
from harness.statistics.intervals import Estimate
from harness.studies.freezing import digest
from harness.types import Message, Outcome, Sample, Score, Task
from tests.lab import built

POISON, HARMLESS, WRONG = 23, 22, 21
PLACE = Where("resid", 1, None, FACT)


class Ids(built.Ids):
    """Tokens are numbers with spaces between."""

    eos_token_id = None

    def __call__(self, text: str, add_special_tokens: bool = True) -> dict[str, list[int]]:
        return {"input_ids": [int(word) for word in text.split()]}


def poisoned() -> LabModel:
    """The induction model, whose second decoy says WRONG, loudly, where POISON stands in the prompt."""
    lab = built.induction_model()
    attention = lab.model.model.layers[1].self_attn
    for projection in (attention.q_proj, attention.k_proj, attention.v_proj):
        projection.weight[built.SIZE :] = 0
    attention.o_proj.weight[:, built.SIZE :] = 0
    still = built.SIZE + built.STILL[0]
    attention.q_proj.weight[still, built.ONE] = 40.0
    attention.k_proj.weight[still, built.HERE + POISON] = 8.0
    attention.v_proj.weight[still, built.HERE + POISON] = 1.0
    attention.o_proj.weight[built.OUT + WRONG, still] = 2.0
    return LabModel("poisoned", lab.model, Ids())


@dataclass(frozen=True)
class Recall(Task):
    """Which number followed this one? In the world `other` one number in the middle is another one: a harmless one, or
    the one that the model does not bear."""

    poison: float = 0.5

    name, version, factors = "recall", "1", ("world",)

    def samples(self, seed: int):
        for n in range(200):
            rng = random.Random(f"{seed} {n}")
            asked, right, *rest = rng.sample(range(1, 21), 6)
            guest = POISON if rng.random() < self.poison else HARMLESS
            for world in ("plain", "other"):
                middle = rest[:2] + [guest if world == "other" else rest[2]] + rest[3:]
                text = " ".join(map(str, (0, asked, right, *middle, asked)))
                params = {"world": world, "right": right}
                yield Sample(f"{n}-{world}", str(n), world, params, (Message("user", text),), str(right))

    def score(self, params, response, stop_reason="stop"):
        found = re.match(r"\d+", response)
        return Score.of(int(found[0]) == params["right"], found[0]) if found else Score.without_answer(Outcome.UNPARSED)

    placebos: ClassVar = {"twin": "two numbers that nobody asks for change places"}

    def reworded(self, sample, placebo, rng):
        words = sample.messages[0].content.split()
        words[3], words[4] = words[4], words[3]
        return Sample(sample.id, sample.group, sample.condition, sample.params,
                      (Message("user", " ".join(words)),), sample.target)  # fmt: skip


SHORT = Settings(("resid",), tokens=1, draws=3)


FEW = {"shuffled": [0.5], "confidence": None, "scores": {}}


@pytest.mark.parametrize(
    ("own", "at_random", "said"),
    [
        (Estimate(0.8, 0.6, 0.9, 40), [0.5, 0.6], ""),
        (Estimate(0.8, 0.5, 0.9, 40), [0.5, 0.6], "the interval of the AUC includes .5"),
        (Estimate(0.8, 0.6, 0.9, 40), [0.8, 0.9], "random sites predict the failures as well as the chosen ones"),
    ],
)
def test_localised_is_what_predicts_better_than_chance_and_than_random_sites(study, own, at_random, said) -> None:
    found = replace(study[2], predictions=Prediction(own, at_random=at_random, **FEW))
    assert "; ".join(found.against()) == said


def test_what_random_sites_repair_as_well_is_not_localised(study) -> None:
    found = study[2]
    alike = [replace(t, after=True, closed=None if t.closed is None else 1.0) for t in found.treated]
    said = "; ".join(replace(found, treated=alike).against())
    assert said == (
        "the chosen sites do not close more of the gap than random ones; "
        "the chosen sites do not repair more than random ones"
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    directory = tmp_path_factory.mktemp("localise") / "study"
    confirmed = []

    def keep(found, *more):
        confirmed.append(found)
        return localise_found.study(found, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(localise_study_module, "study", keep)
        made = localise_study(poisoned(), Asked(Recall(), 0, "plain,other", 48), SHORT, directory)
    return made, directory, confirmed[0]


def test_the_site_of_a_fault_that_was_built_in_is_found_exactly(study) -> None:
    frozen = json.loads((study[1] / "freeze.json").read_text())
    assert frozen["sites"] == [PLACE._asdict()]
    assert frozen["closed_on_first_half"] == pytest.approx(1, abs=1e-3)


def test_the_frozen_site_predicts_every_failure_and_repairs_it(study) -> None:
    found = study[0]
    assert ": localised (1 sites" in found.sentences[0]
    auc, effects = (t.as_json()["rows"] for t in found.tables)
    assert auc[0]["AUC"].startswith("1.000 [0.")
    by_name = {row["activations put in"]: row for row in effects}
    assert by_name["chosen"]["share of the gap closed"].startswith("0.999")
    assert by_name["chosen"]["repaired of the wrong"].startswith("1.000")
    assert by_name["chosen"]["broken of the right"].startswith("0.000")
    assert by_name["random"]["repaired of the wrong"].startswith("0.000")
    assert by_name["placebo"]["repaired of the wrong"].startswith("0.000")


def test_clean_activations_of_another_group_repair_as_well_if_the_site_holds_no_answer(study) -> None:
    rows = [row for row in study[0].rows if row["treatment"] == "another group" and not row["before"]]
    assert rows
    assert all(row["after"] for row in rows)


def test_no_group_is_in_both_halves_and_the_choice_has_its_hash(study) -> None:
    frozen = json.loads((study[1] / "freeze.json").read_text())
    first, second = ({clean.split("-")[0] for clean, _ in frozen[half]} for half in ("first_half", "second_half"))
    assert first.isdisjoint(second)
    assert len(first) == len(second) == 24
    assert frozen["sha256"] == digest({k: v for k, v in frozen.items() if k != "sha256"})
    assert {row["clean"].split("-")[0] for row in study[0].rows} <= second


def test_the_choice_is_on_disk_before_anything_is_asked_of_the_second_half(tmp_path, monkeypatch) -> None:
    real, asked = localise.behave, []

    def behave(lab, task, pair, most):
        asked.append((pair.clean.id, (tmp_path / "study" / "freeze.json").exists()))
        return real(lab, task, pair, most)

    monkeypatch.setattr(localise, "behave", behave)
    localise_study(poisoned(), Asked(Recall(), 0, "plain,other", 24), SHORT, tmp_path / "study")
    frozen = json.loads((tmp_path / "study" / "freeze.json").read_text())
    second = {clean for clean, _ in frozen["second_half"]}
    assert all(there == (sample in second) for sample, there in asked)


def test_a_model_that_fails_everywhere_alike_is_not_localised(tmp_path) -> None:
    found = localise_study(poisoned(), Asked(Recall(1.0), 0, "plain,other", 12), SHORT, tmp_path / "study")
    assert "not localised: failures can't be predicted" in found.sentences[0]


def test_without_a_gap_there_is_nothing_to_look_for(tmp_path) -> None:
    with pytest.raises(UsageError, match="has no gap in the 6 pairs"):
        localise_study(poisoned(), Asked(Recall(0.0), 0, "plain,other", 12), SHORT, tmp_path / "study")
    assert not (tmp_path / "study").exists()


def test_a_directory_that_is_there_is_not_written_over(tmp_path) -> None:
    with pytest.raises(HarnessError, match="can't be made"):
        localise_study(poisoned(), Asked(Recall(), 0, "plain,other", 24), SHORT, tmp_path)


# The packaged model ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny():
    return open_model("tiny")


AIW = plugins.task("aiw", {"prompt": "restricted"})


def test_prompts_of_two_lengths_share_the_places_at_their_end(tiny) -> None:
    first, second = halves(tiny, AIW, 0, "original/restricted,friends/restricted", 4)
    pair = first[0]
    assert (len(first), len(second)) == (2, 2)
    assert len(pair.clean_ids) != len(pair.other_ids)
    for place in pair.places:
        ((clean, other),) = pair.positions(place)
        assert pair.clean_ids[clean:] == pair.other_ids[other:]
    assert pair.positions(FACT) == []
    assert pair.judged == pair.other


def test_a_patch_at_the_prompt_alone_moves_the_whole_answer(tiny) -> None:
    first, _ = halves(tiny, AIW, 0, "change", 4)
    pair = first[0]
    donor = localise.donor_of(tiny, pair.clean_ids, ("resid",))
    everything = [Where("resid", 1, None, place) for place in pair.places]
    own, same, moved = localise.generate(
        tiny, pair.other_ids, [Row((), donor), localise.row(pair, [], donor), localise.row(pair, everything, donor)], 10
    )
    assert own == same
    assert localise.text(tiny, own) == f"### Answer: {pair.other.target}"
    assert localise.text(tiny, moved) == f"### Answer: {pair.clean.target}"
    assert own.ended


def test_the_same_prompt_twice_is_no_pair(tiny) -> None:
    sample = next(iter(AIW.samples(0)))
    assert matched(tiny, AIW, sample, sample, "a") is None


def test_a_site_restores_what_true_patching_says_it_does(tiny) -> None:
    from harness.lab.hooks import Site
    from harness.lab.pairs import pair as paired
    from harness.lab.patching import sweep

    first, _ = halves(tiny, AIW, 0, "change", 4)
    one = first[0]
    gap = localise.behave(tiny, AIW, one, 10).gap(tiny, AIW)
    donor = localise.donor_of(tiny, one.clean_ids, ("resid",))
    sites = [Where("resid", layer, None, FACT) for layer in (1, 2, 3)]
    tokens = paired(tiny, AIW, one.clean, one.other)
    assert (gap.right, gap.wrong) == (tokens.right, tokens.wrong)
    (at,) = tokens.differ
    effects = sweep(tiny, tokens, [Site("resid", layer, None, at) for layer in (1, 2, 3)])
    shares = gap.closed(tiny, [localise.row(one, [site], donor) for site in sites])
    assert shares == pytest.approx([e.restored for e in effects], abs=1e-4)


def test_the_command_says_what_it_would_take_and_keeps_a_page(harness, tmp_path) -> None:
    options = ("aiw", "-m", "tiny", "-T", "prompt=restricted", "--limit", 4, "--max-tokens", 8, "--draws", 1)
    code, out, _ = harness("localise", *options, "--dry-run")
    assert (code, bool(re.fullmatch(r"at most \d+ forward passes for 4 pairs\n", out))) == (0, True)
    assert not (tmp_path / "results").exists()
    code, out, _ = harness("localise", *options, "--enough", "0.5")
    assert code == 0
    assert "not localised" in out  # nothing fails
    assert "2604.01639" in out
    (kept,) = (tmp_path / "results").iterdir()
    assert {p.name for p in kept.iterdir()} == {"freeze.json", "study.json", "rows.csv", "page.html"}
    code, _, err = harness("localise", *options, "--sites", "soul")
    assert (code, "'soul' is none of resid" in err) == (2, True)


def test_more_is_never_asked_than_was_said(tiny, tmp_path, monkeypatch) -> None:
    lab = poisoned()
    rows = []
    lab.model.register_forward_pre_hook(lambda _, args, kwargs: rows.append(
        (args[0] if args else kwargs["input_ids"]).shape[0]), with_kwargs=True)  # fmt: skip
    asked = Asked(Recall(), 0, "plain,other", 24)
    most, pairs = forwards(lab, asked, SHORT)
    localise_study(lab, asked, SHORT, tmp_path / "study")
    assert pairs == 24
    assert most / 4 < sum(rows) <= most


def test_a_read_out_of_noise_predicts_nothing() -> None:
    rng = random.Random(0)
    noise = [torch.tensor([rng.gauss(0, 1) for _ in range(8)]) for _ in range(400)]
    failed = [rng.random() < 0.4 for _ in noise]
    from harness.statistics.auc import auc

    read_out = localise.ReadOut(noise[:200], failed[:200])
    assert 0.4 < auc([read_out.score(v) for v in noise[200:]], failed[200:]) < 0.6
