"""The model in the package: real, in the asked format, and the same answer to the same request."""

import asyncio
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from harness.errors import DataError, UsageError
from harness.models.registry import open_model
from harness.reading import commitment, numbers
from harness.strategies.loglik import probabilities
from harness.types import Message, ModelOptions, Request, Sampling

QUESTION = (
    "Alice has 3 brothers and she also has 6 sisters. How many sisters does Alice's brother have? "
    'To answer the question, DO NOT OUTPUT ANY TEXT EXCEPT following format that contains final answer: "### Answer: ".'
)
GREEDY = Sampling(temperature=0, max_tokens=64)


def ask(*samplings: Sampling, text: str = QUESTION, **extra: str):
    async def run():
        model = open_model("tiny", ModelOptions(extra=extra))
        await model.start()
        try:
            requests = [Request((Message("user", text),), s) for s in samplings]
            return await asyncio.gather(*(model.complete(r) for r in requests))
        finally:
            await model.close()

    return asyncio.run(run())


def test_it_answers_in_the_asked_format() -> None:
    (completion,) = ask(GREEDY)
    assert completion.text.startswith("### Answer: ")
    assert commitment.read(completion.text, numbers.reader())[0].value is not None
    assert completion.stop_reason == "stop"
    assert completion.prompt_tokens > 20
    assert completion.completion_tokens > 3


def test_sampled_answers_depend_on_the_seed_alone() -> None:
    """Not on what is asked beside them."""
    hot = [Sampling(temperature=3.0, max_tokens=20, seed=s) for s in range(6)]
    together = [c.text for c in ask(*hot)]
    alone = [ask(s)[0].text for s in hot[:2]]
    assert together[:2] == alone
    assert len(set(together)) > 1


def test_a_cut_answer_says_so() -> None:
    (completion,) = ask(Sampling(temperature=0, max_tokens=2))
    assert (completion.stop_reason, completion.completion_tokens) == ("length", 2)


def test_an_answer_that_the_context_cut_says_so() -> None:
    prompt_tokens = ask(GREEDY)[0].prompt_tokens
    (completion,) = ask(Sampling(temperature=0, max_tokens=2048), context=str(prompt_tokens + 3))
    assert (completion.stop_reason, completion.completion_tokens, len(completion.notes)) == ("length", 3, 1)
    assert ask(Sampling(temperature=0, max_tokens=2048))[0].notes == (), "it ended by itself: there was room enough"


def test_stop_strings_end_the_answer() -> None:
    (completion,) = ask(Sampling(temperature=0, max_tokens=64, stop=("Answer",)))
    assert (completion.text, completion.stop_reason) == ("### ", "stop")


def test_a_prompt_that_does_not_fit_leaves_no_room_for_an_answer() -> None:
    (completion,) = ask(GREEDY, text="word " * 2000)
    assert (completion.text, completion.stop_reason) == ("", "length")


def test_any_text_can_be_asked() -> None:
    assert ask(Sampling(temperature=0, max_tokens=4), text="\x00 日本語 <|end|> \ud7ff 🙂")[0].completion_tokens == 4


def test_logprobs_are_those_of_one_pass_over_prompt_and_answer_whatever_else_is_in_the_batch() -> None:
    """CTranslate2 hands out more logits for the longer prompts of a batch than they have tokens."""
    import ctranslate2
    import numpy as np

    seen = Sampling(temperature=0, max_tokens=12, logprobs=3)
    texts = ("6 sisters", QUESTION)

    async def use():
        model = open_model("tiny", ModelOptions(extra={"compute_type": "float32"}))
        await model.start()
        try:
            asked = [(Message("user", text),) for text in texts]
            answers = await asyncio.gather(*(model.complete(Request(m, seen)) for m in asked))
            return answers, [model.encode(model.render(m)) for m in asked], model
        finally:
            await model.close()

    answers, prompts, model = asyncio.run(use())
    generator = ctranslate2.Generator(str(model._directory), compute_type="float32")
    for answer, prompt in zip(answers, prompts, strict=True):
        assert len(answer.logprobs) == answer.completion_tokens
        tokens = [t.token for t in answer.logprobs]
        ids = [*prompt, *(i for t in tokens for i in model.encode(t))]
        words = [model._tokenizer.id_to_token(i) for i in ids]
        whole = np.asarray(generator.forward_batch([words], return_log_probs=True))[0, len(prompt) - 1 : -1]
        for said, row in zip(answer.logprobs, whole, strict=True):
            assert said.logprob == pytest.approx(row.max(), abs=1e-4), "greedy: the likeliest"
            assert said.top[0] == (said.token, said.logprob)
            assert [p for _, p in said.top] == pytest.approx(sorted(row, reverse=True)[:3], abs=1e-4)


def test_logprobs_of_sampled_answers_are_the_models_own_and_the_answers_stay_the_same() -> None:
    hot = Sampling(temperature=3.0, max_tokens=8, seed=5)
    plain, seen = ask(hot)[0], ask(replace(hot, logprobs=0))[0]
    assert seen.text == plain.text
    assert (plain.logprobs, {t.top for t in seen.logprobs}) == (None, {()})
    (greedy,) = ask(replace(GREEDY, logprobs=1))
    assert sum(t.logprob for t in seen.logprobs) / len(seen.logprobs) < min(t.logprob for t in greedy.logprobs)


def test_tokens_behind_a_stop_string_are_neither_counted_nor_shown() -> None:
    (whole,) = ask(replace(GREEDY, logprobs=1))
    (cut,) = ask(replace(GREEDY, logprobs=1, stop=("Answer",)))
    assert cut.logprobs == whole.logprobs[: cut.completion_tokens]
    assert "".join(t.token for t in cut.logprobs).endswith("Answer")


def test_the_letter_of_a_choice_can_be_read_off_it() -> None:
    """As the strategy loglik does: one token, and its alternatives."""
    text = "Which is it?\n\nA) one\nB) two"
    (reply,) = ask(Sampling(temperature=0, max_tokens=1, logprobs=734), text=text)
    shares = probabilities(reply, ["A", "B"])
    assert 0 < shares["A"] < 1
    assert shares["A"] + shares["B"] == pytest.approx(1)


def test_identity_follows_the_weights(tmp_path: Path) -> None:
    source = Path(str(resources.files("harness.models.tiny") / "ct2"))
    for file in source.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    same = open_model(f"embedded/{tmp_path}", ModelOptions())
    assert same.identity["weights"] == open_model("tiny", ModelOptions()).identity["weights"]
    with (tmp_path / "model.bin").open("ab") as file:
        file.write(b"x")
    assert same.identity["weights"] != open_model("tiny", ModelOptions()).identity["weights"]


def test_a_directory_without_a_chat_template_says_so(tmp_path: Path) -> None:
    source = Path(str(resources.files("harness.models.tiny") / "ct2"))
    for file in source.iterdir():
        if file.name != "chat_template.jinja":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(DataError, match="no chat template"):
        asyncio.run(open_model(f"embedded/{tmp_path}", ModelOptions()).start())


def test_a_directory_that_is_no_model_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"model\.bin is missing"):
        open_model(f"embedded/{tmp_path}", ModelOptions())


def test_the_package_stays_small() -> None:
    """The promise is 15 MB for both forms of the model."""
    tiny = Path(str(resources.files("harness.models.tiny")))
    assert sum(f.stat().st_size for f in tiny.rglob("*") if f.is_file()) < 15_000_000
