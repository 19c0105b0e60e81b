"""Tracing and editing, on a model in which the facts were planted, and on its untrained twin for what needs no fact."""

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the lab's tests need torch: tox -e lab")
import torch

from harness import plugins
from harness.errors import DataError, UsageError
from harness.lab import edit_study, planted
from harness.lab.editing import ke, measuring, rome
from harness.lab.editing.editor import Given
from harness.lab.editing.ft import FT, FTL
from harness.lab.editing.grace import GRACE, Codebook
from harness.lab.editing.ke import KE
from harness.lab.editing.requests import Edit, encoded, read, unrelated
from harness.lab.editing.rome import ROME
from harness.lab.editing.running import following, greedy
from harness.lab.models import open_model
from harness.lab.subjects import Prompt, prompt
from harness.lab.trace import Noise, Place, averages, best_place, known, spread, trace, window_of

SCORE = plugins.task("edits", {}).score


@pytest.fixture(scope="session")
def asked() -> edit_study.Edits:
    """Trained here: about 10 CPU seconds."""
    return edit_study.from_planted(0, 8)


@pytest.fixture
def raw() -> tuple[planted.World, edit_study.Edits]:
    """The same facts and a model that knows none of them."""
    made = planted.world(0)
    lab = planted.untrained(made)
    edits = [encoded(lab, r) for r in planted.requests(made, 12)]
    return made, edit_study.Edits(lab, edits, made.texts()[:60], [], 4)


def given(asked: edit_study.Edits, place: Place) -> Given:
    return Given(asked.lab, place, asked.texts, 0, asked.spare)


def shares(answers: list[measuring.Answered]) -> tuple[float, ...]:
    """Reliability, generality, locality of other subjects, of the subject's own other facts."""
    return tuple(measuring.share(answers, key).value for key, _ in edit_study.MEASURED[:4])


def run(method, asked: edit_study.Edits, place: Place, sequential: bool = False) -> edit_study.Result:
    return edit_study.run(method, asked, place, SCORE, sequential, 0)[0]


# What needs no fact ------------------------------------------------------------------------------------------------


def test_the_update_writes_one_key_and_leaves_what_is_orthogonal() -> None:
    rng = torch.Generator().manual_seed(0)
    weight, key, value = (torch.randn(*shape, generator=rng) for shape in ((8, 16), (16,), (8,)))
    after = rome.update(weight, torch.eye(16), key, key, value)
    assert torch.allclose(after @ key, value, atol=1e-5)
    other = torch.randn(16, generator=rng)
    other -= (other @ key) / (key @ key) * key
    assert torch.allclose(after @ other, weight @ other, atol=1e-5)
    first, second = torch.linalg.svdvals(after - weight)[:2]
    assert second < 1e-5 * first


def test_the_update_spares_keys_in_the_metric_of_their_second_moment() -> None:
    rng = torch.Generator().manual_seed(1)
    weight, key, value = (torch.randn(*shape, generator=rng) for shape in ((8, 16), (16,), (8,)))
    seen = torch.randn(400, 16, generator=rng)
    moment = seen.T @ seen / 400
    after = rome.update(weight, moment, key, key, value)
    direction = torch.linalg.solve(moment, key)
    other = torch.randn(16, generator=rng)
    other -= (other @ direction) / (key @ direction) * key
    assert torch.allclose(after @ key, value, atol=1e-4)
    assert torch.allclose(after @ other, weight @ other, atol=1e-4)


def test_rome_writes_its_value_at_the_place_in_a_copy(raw) -> None:
    _, asked = raw
    place = Place(1, "last")
    before = asked.lab.layers[1].mlp.down_proj.weight.clone()
    editor = ROME().open(given(asked, place))
    editor.edit(asked.edits[0])
    change = editor.lab.layers[1].mlp.down_proj.weight - before
    first, second = torch.linalg.svdvals(change)[:2]
    assert second < 1e-5 * first
    assert torch.equal(asked.lab.layers[1].mlp.down_proj.weight, before)
    editor.undo()
    assert torch.equal(editor.lab.layers[1].mlp.down_proj.weight, before)


def test_fine_tuning_with_a_bound_moves_no_weight_further(raw) -> None:
    _, asked = raw
    editor = FTL(bound=0.003).open(given(asked, Place(2, "last")))
    editor.edit(asked.edits[0])
    moved = (editor.lab.layers[2].mlp.down_proj.weight - asked.lab.layers[2].mlp.down_proj.weight).abs().max()
    assert 0.0029 < moved <= 0.003 + 1e-6


def test_the_codebook_adds_expands_and_splits(raw) -> None:
    _, asked = raw
    lab = asked.lab
    one, other = asked.edits[0], asked.edits[1]
    book = Codebook(given(asked, Place(1, "last")), GRACE(eps=1.0, steps=1))
    key = book.key(one.prompt.ids)
    aside = key.clone()
    aside[0] += 1.5
    book.entries.clear()
    entry, did = book._entry(aside, one)
    assert (did, entry.radius) == ("add", 1.0)
    same, did = book._entry(key, one)
    assert did == "expand"
    assert same is entry
    assert entry.radius == pytest.approx(1.5)  # its distance, not the old radius and eps
    third = replace(one, new=other.old if other.old != one.new else other.new)
    split, did = book._entry(key, third)
    assert did == "split"
    assert (entry.radius, split.radius) == (pytest.approx(0.75 - 1e-5), pytest.approx(0.75))
    far = key.clone()
    far[1] += 10
    assert book._entry(far, one)[1] == "add"
    assert book.keys == 3
    again, did = book._entry(far, third)
    assert (did, again.answer, again.radius, book.keys) == ("replace", third.new, 1.0, 3)
    assert lab is asked.lab


def test_a_label_of_the_codebook_is_the_whole_answer(raw) -> None:
    """The paper's code compares the means of the ids: those of (5, 9) and (7, 7) are one."""
    _, asked = raw
    one = asked.edits[0]
    book = Codebook(given(asked, Place(1, "last")), GRACE(eps=1.0))
    key = book.key(one.prompt.ids)
    near = key.clone()
    near[0] += 0.5
    book._entry(key, replace(one, new=(5, 9)))
    assert book._entry(near, replace(one, new=(7, 7)))[1] == "split"
    assert [entry.radius for entry in book.entries] == [pytest.approx(0.25 - 1e-5), pytest.approx(0.25)]


def test_a_near_input_with_the_same_answer_does_not_shrink_a_radius(raw) -> None:
    _, asked = raw
    one = asked.edits[0]
    book = Codebook(given(asked, Place(1, "last")), GRACE(eps=1.0))
    key = book.key(one.prompt.ids)
    near, edge, beyond = key.clone(), key.clone(), key.clone()
    near[0] += 0.5
    edge[0] += 1.9  # within the radius and eps
    beyond[0] += 4.0
    book._entry(key, one)
    assert (book._entry(near, one)[1], book.entries[0].radius) == ("expand", 1.0)
    assert (book._entry(edge, one)[1], book.entries[0].radius) == ("expand", pytest.approx(1.9))
    assert book._entry(beyond, one)[1] == "add"


def test_keys_are_never_more_than_edits_and_the_last_edit_of_a_prompt_holds(raw) -> None:
    _, asked = raw
    one, other = asked.edits[0], replace(asked.edits[0], new=asked.edits[0].old)
    book = Codebook(given(asked, Place(2, "last")), GRACE(eps=1.0))
    for edit in (one, one, other):
        book.edit(edit)
        assert int(book.lab.model(torch.tensor([edit.prompt.ids])).logits[0, -1].argmax()) == edit.new[0]
    assert book.done == ["add", "none", "replace"]
    assert book.keys == 1


def test_the_change_of_a_hyper_network_is_the_papers_formula() -> None:
    alpha, beta, gamma, delta = [0.0, 1.0], [2.0, -1.0], [0.5, 0.0, -2.0], [1.0, 3.0, -1.0]
    gradient, eta = [[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]], 0.7
    found = ke.change(torch.tensor([*alpha, *beta, *gamma, *delta, eta]), torch.tensor(gradient), 0.001)
    a, b = ([math.exp(x) / sum(map(math.exp, xs)) for x in xs] for xs in (alpha, beta))
    for i in range(2):
        for j in range(3):
            wanted = 0.001 / (1 + math.exp(-eta)) * (gradient[i][j] * a[i] * gamma[j] + b[i] * delta[j])
            assert float(found[i, j]) == pytest.approx(wanted, rel=1e-5)
    nothing = ke.change(torch.tensor([*alpha, *beta, *gamma, *delta, -math.inf]), torch.tensor(gradient), 1e9)
    assert torch.equal(nothing, torch.zeros(2, 3))


def test_a_hyper_network_reads_an_edit_and_gives_its_numbers(raw) -> None:
    _, asked = raw
    editor = ke.KnowledgeEditor(given(asked, Place(2, "last")), KE(loop=3))
    out, inner = editor.weight.shape
    numbers = editor._numbers(asked.edits[0])
    assert numbers.shape == (2 * (out + inner) + 1,)
    assert not torch.equal(numbers, editor._numbers(asked.edits[1]))
    moved = editor.change(asked.edits[0]).detach()
    before = editor.weight.clone()
    editor.edit(asked.edits[0])  # untrained: what it is to say is not said in one change, and it tries again
    assert float((editor.weight - before).norm()) > 1.5 * float(moved.norm()) > 0
    editor.undo()
    assert torch.equal(editor.weight, before)


def test_each_edit_of_a_training_batch_has_a_change_of_its_own(raw) -> None:
    _, asked = raw
    module = asked.lab.layers[1].mlp.down_proj
    moved = [torch.randn(module.weight.shape, generator=torch.Generator().manual_seed(i)) for i in range(2)]
    questions = [[(e.prompt.ids, e.new), (e.prompt.ids[:-1], e.new + e.new)] for e in asked.edits[:2]]
    found = ke._logits(asked.lab, questions, module, moved)
    for own, by, some in zip(questions, moved, found, strict=True):
        module.weight.data += by
        for (ids, answer), logits in zip(own, some, strict=True):
            assert torch.allclose(
                logits, following(asked.lab, torch.tensor([ids]), torch.tensor([answer]))[0], atol=1e-4
            )
        module.weight.data -= by


def test_what_an_editor_learns_from_is_about_other_subjects_than_what_is_measured() -> None:
    made = planted.world(3)
    measured, spare = planted.requests(made, 24), planted.spare(made)
    asked = {q.text for r in measured for q in r.queries}
    assert not {r.subject for r in spare} & {r.subject for r in measured}
    assert not {q.text for r in spare for q in r.queries} & asked
    # Of a file the same is found out: the edits behind those that are measured, without what is asked of these.
    assert unrelated(spare, measured) == spare
    assert unrelated(measured[5:], measured[:6]) == unrelated(measured[6:], measured[:6])
    for request in unrelated(measured[6:], measured[:6]):
        assert not {q.text for q in request.queries} & {q.text for r in measured[:6] for q in r.queries}


def test_a_hyper_network_has_enough_to_learn_from_or_says_so(raw) -> None:
    _, asked = raw
    with pytest.raises(UsageError, match="there are 0, not 16"):
        KE().open(given(asked, Place(1, "last")))


def test_what_is_in_no_radius_passes_bit_by_bit(raw) -> None:
    _, asked = raw
    book = Codebook(given(asked, Place(1, "last")), GRACE(eps=0.01))
    book.edit(asked.edits[0])
    hit, missed = (torch.tensor([asked.edits[i].prompt.ids]) for i in (0, 5))
    assert torch.equal(book.lab.model(missed).logits, asked.lab.model(missed).logits)
    assert int(book.lab.model(hit).logits[0, -1].argmax()) == asked.edits[0].new[0]
    assert not torch.equal(book.lab.model(hit).logits, asked.lab.model(hit).logits)


def test_a_pass_over_prompt_and_answer_is_the_whole_pass(raw) -> None:
    _, asked = raw
    ids = torch.tensor([[1, 5, 9, 30, 40, 41, 42]])
    whole = asked.lab.model(ids[:, :-1], use_cache=False).logits[:, 3:]
    assert torch.allclose(following(asked.lab, ids[:, :4], ids[:, 4:]), whole, atol=1e-5)


def test_tokens_have_the_role_that_their_place_has() -> None:
    one = Prompt((0, 1, 2, 3, 4, 5, 6), 1, 4)
    assert [one.role(i) for i in range(7)] == [
        None, "first subject", "middle subject", "last subject", "first after", "further", "last",
    ]  # fmt: skip
    assert (one.at("last subject"), one.at("first after"), one.at("last")) == (3, 4, 6)
    short = Prompt((0, 1, 2), 1, 2)
    assert [short.role(i) for i in range(3)] == [None, "last subject", "last"]
    assert (short.at("first subject"), short.at("first after")) == (1, 2)


def test_the_subject_is_found_in_the_tokens_of_a_real_tokenizer() -> None:
    lab = open_model("tiny")
    found = prompt(lab, "Alice has 3 brothers. How many sisters does Alice have?", "Alice")
    text = "".join(lab.token(i) for i in found.ids[found.start : found.end])
    assert "Alice" in text
    assert found.start > 5


def test_a_window_is_the_papers_share_of_the_layers() -> None:
    assert (window_of(48), window_of(30), window_of(3)) == (10, 6, 1)


@dataclass(frozen=True)
class Brittle(FT):
    """Can't make one edit; or can't begin at all."""

    name = "brittle"
    begins: bool = True

    def open(self, given):
        if not self.begins:
            raise DataError("nothing to begin with")
        editor = super().open(given)
        edit = editor.edit

        def edited(one):
            edit(one)
            if one is given.spare[1]:
                raise RuntimeError("singular")

        editor.edit = edited
        return editor


def test_an_edit_that_fails_leaves_the_others_and_the_other_methods(raw) -> None:
    _, asked = raw
    asked = replace(asked, edits=asked.edits[:3], spare=asked.edits[:3])
    chosen = (Brittle(steps=2), Brittle(begins=False), FTL(steps=2))
    study = edit_study.edit_study(asked, chosen, Place(2, "last"), SCORE, True, 0)
    said = "\n".join(study.sentences)
    assert f"brittle can't make the edit '{asked.edits[1].request.id}': singular." in said
    assert f"brittle can't make the edit '{asked.edits[1].request.id}' in sequence: singular." in said
    assert "Left out: nothing to begin with" in said
    assert {row["method"] for row in study.rows} == {"none", "brittle", "ft-l"}
    [single] = [t for t in study.tables if "each edit alone" in t.title]
    assert [row[0] for row in single.rows] == ["none", "brittle", "ft-l"]
    # What the failed edit has left half done is undone: the answers are the model's own.
    rows = {m: [r["text"] for r in study.rows if (r["method"], r["mode"]) == (m, "alone")] for m in ("none", "brittle")}
    third = len(rows["none"]) // 3
    assert rows["none"][third : 2 * third] == rows["brittle"][third : 2 * third]
    with pytest.raises(DataError, match="nothing to begin with"):
        edit_study.edit_study(asked, chosen[1:2], Place(2, "last"), SCORE, False, 0)


def test_methods_come_in_the_order_of_the_literature() -> None:
    assert [m.name for m in edit_study.methods(["grace", "rome", "ft"], {"rome.steps": "3"})] == ["ft", "rome", "grace"]


def test_every_object_of_the_planted_world_is_the_answer_to_something() -> None:
    """An edit to a word that the model has never learnt to say can't succeed."""
    made = planted.world(7)
    for relation, names in made.objects.items():
        said = [o for (_, r), o in made.facts.items() if r == relation]
        assert sorted(said) == sorted(names * 2)


# What needs facts --------------------------------------------------------------------------------------------------


def test_noise_on_the_subject_takes_the_answer_and_restoring_everything_gives_it_back(asked) -> None:
    facts = known(asked.lab, edit_study.facts(asked))
    assert len(facts) == 8
    assert spread(asked.lab, facts) > 0
    found = trace(asked.lab, facts, Noise())
    assert trace(asked.lab, facts[:2], Noise())[1].effects[("mlp", 2, 2)] == pytest.approx(
        found[1].effects[("mlp", 2, 2)],
        abs=0.05,  # the noise follows the spread of the subjects that are traced
    )
    for one in found:
        assert one.clean > 0.5
        # No noise is on the last token, and later than the stream before the last layer nothing of the subject comes.
        assert one.effects[("resid", 0, 2)] == pytest.approx(0, abs=1e-5)
    assert averages(found)
    without = trace(asked.lab, facts[:2], Noise(sd=0.0))
    assert all(abs(one.total) < 1e-5 for one in without)


def test_rome_holds_its_facts_where_tracing_points_and_not_at_the_subject(asked) -> None:
    place = best_place(averages(trace(asked.lab, edit_study.right_facts(asked), Noise(), ("mlp",))))
    assert place.role == "last"
    found = run(ROME(), asked, place, sequential=True)
    reliability, generality, neighbours, own = shares(found.answers)
    assert (reliability, generality) == (1, 1)
    assert min(neighbours, own) >= 0.99
    assert min(shares(found.sequence)) >= 0.95
    elsewhere = run(ROME(), asked, Place(1, "last subject"))
    assert shares(elsewhere.answers)[0] < 0.7
    tuned = run(FT(), asked, place)
    assert shares(tuned.answers)[2] < neighbours


def test_a_codebook_is_exact_and_local_and_generalises_by_its_radius(asked) -> None:
    narrow = run(GRACE(eps=0.05), asked, Place(2, "last"), sequential=True)
    reliability, generality, neighbours, own = shares(narrow.answers)
    assert (reliability, neighbours, own) == (1, 1, 1)
    assert generality < 0.2
    assert measuring.share(narrow.sequence, "reliability").value == 1
    assert narrow.keys_after <= 8
    assert {a.query.question for a in narrow.kept} == {"kept"}
    wide = run(GRACE(eps=1.0), asked, Place(2, "last"))
    assert shares(wide.answers)[1] > 0.9


def test_a_hyper_network_learns_to_make_edits_that_it_has_not_seen(asked) -> None:
    place = Place(2, "last")
    before, after = (shares(run(KE(steps=steps), asked, place).answers) for steps in (0, 150))
    assert before[0] == 0
    assert after[0] > 0.2
    assert min(after[2:]) > 0.5


def test_before_the_edit_everything_is_known(asked) -> None:
    answers = measuring.ask(
        asked.lab, [(e.request, q) for e in asked.edits for q in e.request.queries], False, SCORE, 4
    )
    assert shares(answers) == (1, 1, 1, 1)
    assert all(a.likelier for a in answers)


def test_a_saved_model_answers_as_the_edited_one(asked, tmp_path: Path) -> None:
    editor = ROME().open(given(asked, Place(2, "last")))
    editor.edit(asked.edits[0])
    edit_study.save_model(editor.lab, tmp_path / "edited")
    again = open_model(f"hf/{tmp_path / 'edited'}")
    for edit in asked.edits[:3]:
        assert greedy(again, [edit.prompt.ids], 3) == greedy(editor.lab, [edit.prompt.ids], 3)
    assert tuple(again.tokens(asked.edits[0].request.prompt)[0]) == asked.edits[0].prompt.ids


# Commands ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def trained(monkeypatch, asked):
    """`planted` without training again."""
    monkeypatch.setattr(edit_study, "from_planted", lambda seed, n: replace(asked, edits=asked.edits[:n]))


def test_studies_are_printed_and_kept(harness, trained, tmp_path: Path) -> None:
    code, out, _ = harness("trace", "planted", "--n", 3)
    assert code == 0
    assert "total effect" in out
    options = ("edit", "planted", "--n", 2, "--method", "rome", "--sequential")
    code, out, err = harness(*options, "--save", "edited", "-E", "rome.steps=30")
    assert code == 0, err
    assert "rome: reliability" in out
    assert "TRR" in out
    kept = next((tmp_path / "results").glob("*edit*"))
    assert "rome" in json.loads((kept / "study.json").read_text())["asked"]
    assert (tmp_path / "edited/model.safetensors").is_file()
    code, _, err = harness(*options, "--save", "edited")
    assert code == 2
    assert "there is something already" in err
    said = harness(*options, "--dry-run")[1]
    assert "up to 164 to edit" in said  # four edits, each with its key, and 20 steps of a loss and a KL
    assert f"{4 * 2 * 21 + 2 * 136} answers of up to 4 tokens" in said


def test_what_can_not_be_done_is_said(harness, trained, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"id": 1}\n')
    for options, said in (
        (("planted", "--method", "memit"), "no editing method 'memit'"),
        (("planted", "--method", "grace", "--sequential", "--save", "x"), "codebook"),
        (("planted", "--method", "ft", "--save", "x"), "--sequential"),
        (("planted", "--site", "2,middle"), "no LAYER,TOKEN"),
        (("planted", "--site", "7,last"), "has layers 0 to 2"),
        (("planted", "--model", "tiny"), "brings its own model"),
        (("planted", "-E", "ft.colour=red"), "colour"),
        (("requests.jsonl",), "--model is missing"),
        (("nowhere.jsonl", "--model", "tiny"), "no such file"),
        (("bad.jsonl", "--model", "tiny"), "bad.jsonl, line 1: no edit"),
    ):
        code, _, err = harness("edit", *options)
        assert code in (1, 2), options
        assert said in err, err


def test_the_file_of_edits_data_is_read_with_its_questions_and_names(harness, tmp_path: Path) -> None:
    assert harness("edits-data", "made", "--edits", 2)[0] == 0
    lab = open_model("tiny")
    asked = edit_study.from_file(lab, tmp_path / "made/requests.jsonl", None, 1, 8)
    [edit] = asked.edits
    assert isinstance(edit, Edit)
    assert edit.request.queries[0].text.endswith('End the response with a line "Answer: NAME".')
    assert len(edit.request.queries[0].candidates) == 6
    assert len(asked.texts) == 2 * 36
    found = measuring.ask(lab, [(edit.request, q) for q in edit.request.queries[:2]], True, SCORE, 4)
    assert len(found) == 2
    code, _, err = harness("trace", "made/requests.jsonl", "--model", "tiny", "--n", 2)
    assert code == 2
    assert "nothing to trace" in err


COUNTERFACT = {
    "case_id": 7,
    "requested_rewrite": {"prompt": "The capital of {} is", "relation_id": "P36", "subject": "France",
                          "target_new": {"str": "Rome"}, "target_true": {"str": "Paris"}},
    "paraphrase_prompts": ["The capital city of France is"],
    "neighborhood_prompts": ["The Louvre is in the city of", "The Eiffel Tower is in the city of"],
}  # fmt: skip


def test_a_record_of_counterfact_is_an_edit_of_plain_texts(tmp_path: Path) -> None:
    """No chat template is put around them, and a neighbour keeps the old answer."""
    file = tmp_path / "requests.jsonl"
    file.write_text(json.dumps(COUNTERFACT) + "\n")
    (found,) = read(file)
    asked = [(q.question, q.before, q.after, q.asked) for q in found.queries]
    assert asked == [
        ("reliability", "Paris", "Rome", False), ("generality", "Paris", "Rome", False),
        ("locality_neighbour", "Paris", "Paris", False), ("locality_neighbour", "Paris", "Paris", False),
    ]  # fmt: skip
    tiny = open_model("tiny")
    assert found.rendered(tiny) == "The capital of France is" == found.queries[0].text
    for wrong in ({"requested_rewrite": 3}, {"paraphrase_prompts": "x"}, {"neighborhood_prompts": [1]}):
        file.write_text(json.dumps(COUNTERFACT | wrong) + "\n")
        with pytest.raises(DataError, match="line 1: no edit"):
            read(file)


def test_counterfact_is_read_as_it_is_published_one_array(tmp_path: Path) -> None:
    lines, array = tmp_path / "requests.jsonl", tmp_path / "counterfact.json"
    records = [COUNTERFACT, COUNTERFACT | {"case_id": 8}]
    lines.write_text("".join(json.dumps(r) + "\n" for r in records))
    array.write_text(json.dumps(records, indent=1))
    assert read(array) == read(lines)
    array.write_text(json.dumps([COUNTERFACT, {"case_id": 8}]))
    with pytest.raises(DataError, match="record 2: no edit"):
        read(array)
    array.write_text("[" * 100_000)
    with pytest.raises(DataError, match="not valid JSON"):
        read(array)


def test_a_plain_text_is_right_if_it_begins_with_the_answer_whatever_follows() -> None:
    for text, right in ((" Paris, France.\n", True), ("paris", True), (" Parisian", False), ("", False),
                        (" the city of Paris", False), (" Rome. Paris", False)):  # fmt: skip
        assert measuring.begins(text, "Paris") is right, text


def test_too_few_texts_for_romes_covariance_are_said(raw) -> None:
    _, asked = raw
    said = edit_study.few_keys(replace(asked, texts=asked.texts[:2]), [FT(), ROME()])
    assert "fewer than its" in said
    assert "--texts" in said
    assert edit_study.few_keys(replace(asked, texts=asked.texts[:2]), [FT()]) == ""
    assert edit_study.few_keys(replace(asked, texts=asked.texts * 20), [ROME()]) == ""
