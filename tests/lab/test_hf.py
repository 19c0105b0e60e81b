"""The backend hf: the package's model says what it says through CTranslate2, and each request is one of its own."""

import asyncio
import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

pytest.importorskip("torch", reason="the lab's tests need torch: tox -e lab")
import torch

from harness import plugins
from harness.errors import DataError, ModelError, UsageError
from harness.models import hf_decoding
from harness.models.hf import _stretched, directory
from harness.models.llama_files import Llama, write_ct2
from harness.models.registry import open_model
from harness.strategies.loglik import probabilities
from harness.types import Continues, Message, ModelOptions, Request, Sampling

TASK = plugins.task("aiw", {})
GREEDY = Sampling(temperature=0, max_tokens=64)
ASKED = tuple(s.messages for s in TASK.samples(0))


def use(what, name: str = "hf/tiny", **extra: str):
    async def run():
        model = open_model(name, ModelOptions(extra=extra))
        await model.start()
        try:
            return await what(model)
        finally:
            await model.close()

    return asyncio.run(run())


def ask(*requests: Request, name: str = "hf/tiny", **extra: str):
    async def together(model):
        return await asyncio.gather(*(model.complete(r) for r in requests))

    return use(together, name, **extra)


def questions(n: int) -> list[tuple[Message, ...]]:
    """AIW with other numbers: the samples of the task are not as many."""
    asked = [m[0].content for m in ASKED]

    def changed(i: int) -> str:
        return re.sub(r"[0-9]+", lambda found: str((int(found[0]) + i) % 10), asked[i % len(asked)])

    return [(Message("user", changed(i)),) for i in range(n)]


@pytest.fixture(scope="module")
def same_weights(tmp_path_factory) -> Path:
    """The weights of tiny's Hugging Face directory, written for CTranslate2 without a rounding."""
    from safetensors.torch import load_file

    source, target = Path(directory("tiny")), tmp_path_factory.mktemp("made") / "ct2"
    config = json.loads((source / "config.json").read_text())
    config["rope_theta"] = config["rope_parameters"]["rope_theta"]
    weights = {name: t.float().numpy() for name, t in load_file(source / "model.safetensors").items()}
    vocabulary = json.loads((source / "tokenizer.json").read_text())["model"]["vocab"]
    tokens = [*sorted(vocabulary, key=vocabulary.__getitem__)]
    write_ct2(Llama(config, weights, tokens, [], frozenset(range(6)), ""), target, "float32")
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        (target / name).write_bytes((source / name).read_bytes())
    return target


def test_fifty_greedy_answers_are_those_of_ctranslate2_with_their_logprobs(same_weights: Path) -> None:
    requests = [Request(messages, replace(GREEDY, logprobs=2)) for messages in questions(50)]
    ours, theirs = ask(*requests), ask(*requests, name=f"embedded/{same_weights}")
    assert len({c.text for c in ours}) > 20
    for a, b in zip(ours, theirs, strict=True):
        assert (a.text, a.stop_reason, a.prompt_tokens) == (b.text, b.stop_reason, b.prompt_tokens)
        assert [t.token for t in a.logprobs] == [t.token for t in b.logprobs]
        assert [t.logprob for t in a.logprobs] == pytest.approx([t.logprob for t in b.logprobs], abs=1e-3)


def test_an_answer_does_not_depend_on_what_is_computed_beside_it() -> None:
    """Prompts of other lengths are padded; each request has its own temperature, seed, limit and end."""
    own = [
        Request(ASKED[0], Sampling(temperature=1.5, max_tokens=20, seed=1)),
        Request(ASKED[10], Sampling(temperature=1.5, max_tokens=20, seed=2, top_p=0.8)),
        Request(ASKED[20], Sampling(temperature=0, max_tokens=20)),
        Request((Message("user", "6"),), Sampling(temperature=3.0, max_tokens=20, seed=1)),
    ]
    together = ask(*own)
    assert [c.text for c in together] == [ask(r)[0].text for r in own]
    assert [c.text for c in together] == [c.text for c in reversed(ask(*own[::-1], batch="3"))]
    again = replace(own[3], sampling=replace(own[3].sampling, seed=3))
    assert ask(again)[0].text != together[3].text


def test_drawing_follows_the_distribution_and_top_p_cuts_its_tail() -> None:
    logits = torch.log(torch.tensor([0.1, 0.6, 0.3]))
    at = [(i + 0.5) / 1000 for i in range(1000)]
    assert [sum(int(hf_decoding.drawn(logits, 1.0, None, u)) == k for u in at) for k in range(3)] == pytest.approx(
        [100, 600, 300], abs=1
    )
    assert {int(hf_decoding.drawn(logits, 1.0, 0.65, u)) for u in at} == {1, 2}
    assert {int(hf_decoding.drawn(logits, 1.0, 0.6, u)) for u in at} == {1}
    assert {int(hf_decoding.drawn(logits, 0.01, None, u)) for u in at} == {1}
    assert int(hf_decoding.drawn(torch.tensor([0.0, -math.inf]), 1.0, None, 0.9999999999)) == 0


def test_logprobs_are_those_of_one_pass_over_prompt_and_answer() -> None:
    request = Request(ASKED[0], replace(GREEDY, logprobs=3, temperature=2.0, seed=4, max_tokens=12))
    other = Request((Message("user", "6"),), replace(GREEDY, logprobs=1))

    async def both(model):
        answers = await asyncio.gather(model.complete(other), model.complete(request))
        prompt = model.encode(model.render(ASKED[0]))
        ids = [*prompt, *(i for t in answers[1].logprobs for i in model.encode(t.token))]
        with torch.no_grad():
            whole = model._model(torch.tensor([ids])).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
        return answers, ids[len(prompt) :], whole

    (short, answer), ids, whole = use(both)
    assert {len(t.top) for t in short.logprobs} == {1}
    assert len(answer.logprobs) == answer.completion_tokens == len(ids)
    for said, i, row in zip(answer.logprobs, ids, whole, strict=True):
        assert said.logprob == pytest.approx(row[i].item(), abs=1e-4)
        assert [p for _, p in said.top] == pytest.approx(row.topk(3).values.tolist(), abs=1e-4)


def test_the_letter_of_a_choice_can_be_read_off_it() -> None:
    sampling = Sampling(temperature=0, max_tokens=1, logprobs=734)
    (reply,) = ask(Request((Message("user", "Which is it?\n\nA) one\nB) two"),), sampling))
    shares = probabilities(reply, ["A", "B"])
    assert shares["A"] + shares["B"] == pytest.approx(1)


def test_it_ends_at_its_limit_at_a_stop_string_and_where_the_context_ends() -> None:
    def one(sampling: Sampling, text: str | None = None, **extra: str):
        return ask(Request(ASKED[0] if text is None else (Message("user", text),), sampling), **extra)[0]

    whole = one(GREEDY)
    assert whole.stop_reason == "stop"
    cut = one(Sampling(temperature=0, max_tokens=2))
    assert (cut.stop_reason, cut.completion_tokens) == ("length", 2)
    word = whole.text.split()[2]
    stopped = one(replace(GREEDY, stop=(word,)))
    assert (stopped.text, stopped.stop_reason) == (whole.text.partition(word)[0], "stop")
    assert stopped.completion_tokens < whole.completion_tokens
    full = one(Sampling(temperature=0, max_tokens=2048), context=str(whole.prompt_tokens + 3))
    assert (full.stop_reason, full.completion_tokens, len(full.notes)) == ("length", 3, 1)
    none = one(GREEDY, "word " * 2000)
    assert (none.text, none.stop_reason) == ("", "length")
    assert "context 1024" in none.error


def test_it_goes_on_as_if_it_had_written_the_beginning_itself() -> None:
    async def go_on(model):
        assert isinstance(model, Continues)
        whole = await model.complete(Request(ASKED[0], GREEDY))
        cut = await model.cut(whole.text, (1, 3, 10**6))
        begun = [Request((*ASKED[0], Message("assistant", part)), GREEDY) for part in cut.parts[:2]]
        return whole, cut, [await model.complete(request) for request in begun]

    whole, cut, rest = use(go_on)
    assert cut.parts[-1] == whole.text
    assert cut.length + 1 == whole.completion_tokens
    for part, more in zip(cut.parts, rest, strict=False):
        assert (part + more.text).split() == whole.text.split()


def test_a_given_text_is_as_likely_as_when_it_was_generated_and_as_ctranslate2_says(same_weights: Path) -> None:
    whole = ask(Request(ASKED[0], replace(GREEDY, logprobs=2)))[0]
    texts = (whole.text, "6", "no " * 100, "", "Alice")
    asked = [Request(m, replace(GREEDY, given=t, logprobs=2)) for m in (ASKED[0], ASKED[9][:1]) for t in texts]
    ours, theirs = ask(*asked), ask(*asked, name=f"embedded/{same_weights}", compute_type="float32")
    assert [t.token for t in ours[0].logprobs] == [t.token for t in whole.logprobs[:-1]]
    assert [t.logprob for t in ours[0].logprobs] == pytest.approx([t.logprob for t in whole.logprobs[:-1]], abs=1e-4)
    for request, a, b in zip(asked, ours, theirs, strict=True):
        assert (a.text, a.stop_reason, a.prompt_tokens) == (b.text, b.stop_reason, b.prompt_tokens)
        assert a.text == request.sampling.given
        assert [t.token for t in a.logprobs] == [t.token for t in b.logprobs]
        assert [t.logprob for t in a.logprobs] == pytest.approx([t.logprob for t in b.logprobs], abs=1e-3)
        assert all(len(t.top) == 2 for t in a.logprobs)
        [alone] = ask(request, batch="1")
        assert [t.logprob for t in a.logprobs] == pytest.approx([t.logprob for t in alone.logprobs], abs=1e-4)


def test_a_model_that_makes_all_logits_says_the_same(monkeypatch) -> None:
    request = Request(ASKED[0], replace(GREEDY, given="6 sisters", logprobs=0))

    async def without(model):
        own = model._model.forward

        def forward(input_ids, attention_mask, use_cache):
            return own(input_ids=input_ids, attention_mask=attention_mask, use_cache=use_cache)

        monkeypatch.setattr(model._model, "forward", forward)
        return await model.complete(request)

    [before] = ask(request)
    assert [t.logprob for t in use(without).logprobs] == pytest.approx([t.logprob for t in before.logprobs], abs=1e-5)


def copied(target: Path, without: str = "", **config: object) -> Path:
    """The package's model in a folder of its own."""
    for file in Path(directory("tiny")).iterdir():
        if file.name != without:
            (target / file.name).write_bytes(file.read_bytes())
    settings = json.loads((target / "config.json").read_text()) | config
    (target / "config.json").write_text(json.dumps(settings))
    return target


def test_a_models_own_defaults_of_decoding_change_nothing(tmp_path: Path) -> None:
    own = {"do_sample": True, "temperature": 9.0, "repetition_penalty": 3.0, "eos_token_id": [2, 5], "max_length": 3}
    (copied(tmp_path) / "generation_config.json").write_text(json.dumps(own))
    request = Request(ASKED[0], GREEDY)
    assert ask(request, name=f"hf/{tmp_path}")[0].text == ask(request)[0].text


def test_a_model_without_a_chat_template_gets_the_text_alone(tmp_path: Path) -> None:
    messages = (Message("system", "Be brief."), Message("user", "6 sisters"))

    async def prompt(model):
        return model.render(messages), (await model.complete(Request(messages, GREEDY))).prompt_tokens

    text, tokens = use(prompt, f"hf/{copied(tmp_path, without='chat_template.jinja')}")
    assert text.endswith("Be brief.\n\n6 sisters")
    assert tokens > 3


def test_a_template_that_refuses_is_one_requests_error(tmp_path: Path) -> None:
    (copied(tmp_path) / "chat_template.jinja").write_text("{{ raise_exception('no system role') }}")
    with pytest.raises(ModelError, match="no system role"):
        ask(Request(ASKED[0], GREEDY), name=f"hf/{tmp_path}")


def test_identity_follows_weights_dtype_and_versions(tmp_path: Path) -> None:
    same = open_model(f"hf/{copied(tmp_path)}", ModelOptions())
    assert same.identity["weights"] == open_model("hf/tiny", ModelOptions()).identity["weights"]
    assert {"dtype", "device", "torch", "transformers"} <= set(same.identity)
    with (tmp_path / "model.safetensors").open("ab") as file:
        file.write(b"x")
    assert same.identity["weights"] != open_model("hf/tiny", ModelOptions()).identity["weights"]


def test_code_and_pickles_of_a_directory_are_not_loaded(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    auto = {"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.M"}
    copied(tmp_path, model_type="evil", auto_map=auto)
    (tmp_path / "evil.py").write_text(f"open({str(mark)!r}, 'w')")
    with pytest.raises(DataError, match="can't be loaded"):
        ask(Request(ASKED[0], GREEDY), name=f"hf/{tmp_path}")
    copied(tmp_path, without="model.safetensors")
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(DataError, match="safetensors"):
        ask(Request(ASKED[0], GREEDY), name=f"hf/{tmp_path}")
    assert not mark.exists()


def test_what_can_not_be_used_is_said(tmp_path: Path) -> None:
    for extra, said in (
        ({"dtype": "int3"}, "not one of"),
        ({"batch": "0"}, "at least 1"),
        ({"adapter": str(tmp_path)}, "adapter_model.safetensors is missing"),
        ({"device": "abacus"}, "-M device=abacus"),
    ):
        with pytest.raises(UsageError, match=said):
            ask(Request(ASKED[0], GREEDY), **extra)
    with pytest.raises(DataError, match="can't be loaded"):
        ask(Request(ASKED[0], GREEDY), name=f"hf/{tmp_path}")


def test_an_adapter_changes_the_answers_and_the_identity(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="an optional package: pip install peft")
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    base = AutoModelForCausalLM.from_pretrained(directory("tiny"))
    how = {"target_modules": ["q_proj", "down_proj"], "lora_alpha": 256, "init_lora_weights": False}
    config = peft.LoraConfig(task_type="CAUSAL_LM", **how)
    peft.get_peft_model(base, config).save_pretrained(tmp_path)
    request = Request(ASKED[0], Sampling(temperature=0, max_tokens=6))
    assert ask(request, adapter=str(tmp_path))[0].text != ask(request)[0].text
    plain, adapted = (open_model("hf/tiny", ModelOptions(extra=e)) for e in ({}, {"adapter": str(tmp_path)}))
    assert set(adapted.identity) - set(plain.identity) == {"adapter"}


def test_a_run_of_it(harness) -> None:
    code, out, err = harness("run", "-t", "aiw", "-m", "hf/tiny", "--limit", 1, "--epochs", 2, "--logprobs", 1)
    assert (code, "hf/tiny" in out + err) == (0, True)


@pytest.mark.parametrize("method", ["linear", "ntk", "dynamic", "yarn"])
def test_a_context_is_stretched_by_each_method_as_its_formula_says(method: str) -> None:
    trained = use(lambda model: _of(model))
    asked = {"rope_scaling": f"{method}:4"}
    found = use(lambda model: _of(model), **asked)
    assert found.context == 4 * trained.context
    before, after = trained.frequencies, found.frequencies
    if method == "linear":
        assert torch.equal(after, before / 4)
    elif method == "dynamic":
        assert torch.equal(after, before), "within the trained length nothing changes"
    else:
        assert after[0] == before[0]
        assert after[-1].item() == pytest.approx(before[-1].item() / 4)
    same = use(lambda model: _of(model), rope_scaling=f"{method}:1")
    assert torch.allclose(same.frequencies, before)
    model = open_model("hf/tiny", ModelOptions(extra=asked))
    assert model.identity["rope_scaling"] == f"{method}:4"


class _Rope(NamedTuple):
    context: int
    frequencies: torch.Tensor


async def _of(model) -> _Rope:
    return _Rope(model.context, model._model.model.rotary_emb.inv_freq.clone())


def test_a_model_without_rotary_positions_is_not_stretched() -> None:
    from transformers import GPT2Config

    with pytest.raises(UsageError, match="no rotary positions"):
        _stretched(GPT2Config(), "yarn:4")
