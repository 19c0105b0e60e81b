"""One trace cut at several budgets: where it is cut, what is asked, and how models go on from a beginning."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mock_server import MockServer
from thinker import CLOSE, OPEN, Mind, Thinker, thought

from harness import launch
from harness.errors import ModelError, UsageError
from harness.models import wire
from harness.models.openai_api import OpenAICompatible
from harness.models.registry import open_model
from harness.models.tokenizing import ServerTokenizer, opened_once
from harness.pipeline import store
from harness.pipeline.config import configure
from harness.strategies.forced import Forced, by_characters, by_logprobs
from harness.types import Completion, Cut, Message, ModelOptions, Request, Sampling, TokenLogprob
from tests.strategies.scripted import Scripted

ASKED = Message("user", "How many?")


class Words(Scripted):
    """A session whose model has a word for a token, or no tokenizer."""

    def __init__(self, whole: Completion, sampling: Sampling, tokenizer: bool = True) -> None:
        super().__init__(lambda text, n: Completion(" 7") if "Final answer" in text else whole)
        self._sampling, self._tokenizer, self.changes = sampling, tokenizer, []

    @property
    def sampling(self) -> Sampling:
        return self._sampling

    async def ask(self, messages, *, n: int = 1, shared: bool = False, **changes):
        self.changes.append(changes)
        return await super().ask(messages, n=n)

    async def cut(self, text: str, at: Sequence[int]) -> Cut | None:
        words = text.split()
        return Cut(len(words), tuple(" ".join(words[:n]) for n in at)) if self._tokenizer else None


def solve(whole: Completion, strategy: Forced, tokenizer: bool = True, **sampling: int | None):
    session = Words(whole, Sampling(**{"max_tokens": 800, **sampling}), tokenizer)
    response = asyncio.run(strategy.solve(session))
    return session, response


def test_an_answer_is_asked_for_at_each_budget_that_is_smaller_than_the_trace() -> None:
    whole = Completion("Final answer: 9", thinking=thought(100))
    session, response = solve(whole, Forced(at=(64, 10, 100, 200)))
    assert [c["at"] for c in response.detail["cuts"]] == [10, 64]
    begun = session.asked[1][-1]
    assert begun.role == "assistant"
    assert begun.content == f"{OPEN}{thought(10)}{CLOSE}Final answer:"
    assert response.detail["cuts"][0]["text"] == "Final answer: 7"
    assert (response.text, response.detail["length"], response.detail["closed"]) == ("Final answer: 9", 100, True)
    assert session.changes[1] == {"max_tokens": 32, "logprobs": None, "thinking_tokens": None}


def test_a_trace_that_met_its_limit_is_asked_for_its_answer_once_at_its_end() -> None:
    whole = Completion("", "length", thinking=thought(100))
    session, response = solve(whole, Forced(at=(50, 100, 200, 400)))
    assert [(c["at"], c.get("same_as"), c.get("kept")) for c in response.detail["cuts"]] == [
        (50, None, 50),
        (100, None, 100),
        (200, 100, None),
        (400, 100, None),
    ]
    assert len(session.asked) == 3
    assert not response.detail["closed"]


@pytest.mark.parametrize("whole", [Completion("7"), Completion("", error="too long")])
def test_without_thinking_nothing_more_is_asked(whole: Completion) -> None:
    session, response = solve(whole, Forced())
    assert (len(session.asked), response.detail["cuts"], response.text) == (1, [], whole.text)


def test_the_budgets_are_eight_each_twice_the_one_before() -> None:
    assert Forced().budgets(Sampling(max_tokens=8192)) == (64, 128, 256, 512, 1024, 2048, 4096, 8192)
    assert Forced().budgets(Sampling(max_tokens=8192, thinking_tokens=1024))[-1] == 1024
    assert Forced().budgets(Sampling(max_tokens=4)) == (1, 2, 4)
    with pytest.raises(UsageError, match="no budgets"):
        Forced().budgets(Sampling())


def test_what_closes_the_thinking_is_the_user_s() -> None:
    whole = Completion("7", thinking=thought(100))
    strategy = Forced(at=(2,), open="[THINK]", close=r"[/THINK]\n", ask="")
    session, response = solve(whole, strategy)
    assert session.asked[1][-1].content == "[THINK]step0 step1[/THINK]\n"
    assert response.detail["cuts"][0]["text"] == "7"


def test_the_text_itself_is_cut_if_a_model_reasons_in_it() -> None:
    session, response = solve(Completion("one two three four. Answer: 4"), Forced(at=(2,), trace="text"))
    assert session.asked[1][-1].content == "one two\n\nFinal answer:"
    assert response.detail["cuts"][0]["text"] == "Final answer: 7"


@pytest.mark.parametrize(
    "reply", [Completion(" hm <think> again"), Completion("", thinking="again"), Completion("more</think> 7")]
)
def test_an_answer_that_reopens_its_thinking_says_so(reply: Completion) -> None:
    session = Words(Completion("7", thinking=thought(9)), Sampling(max_tokens=8))
    session.reply = lambda text, n: reply if "Final answer" in text else Completion("7", thinking=thought(9))
    response = asyncio.run(Forced(at=(2,)).solve(session))
    assert response.detail["cuts"][0]["reopened"] is True


def test_the_tokens_of_logprobs_cut_before_any_tokenizer() -> None:
    tokens = ["<think>", "\n", "a", "b c", " d", "\n", "</think>", "7"]
    whole = Completion("7", thinking="ab c d", logprobs=tuple(TokenLogprob(t, -0.1) for t in tokens))
    session, response = solve(whole, Forced(at=(2,)), logprobs=0)
    assert (response.detail["cut_by"], response.detail["length"]) == ("logprobs", 3)
    assert session.asked[1][-1].content.startswith("<think>\nab c\n</think>")


def test_characters_cut_if_nobody_knows_the_tokens() -> None:
    whole = Completion("7", thinking="x" * 100, thinking_tokens=50)
    _, response = solve(whole, Forced(at=(10,)), tokenizer=False)
    assert response.detail["cut_by"] == "characters"
    assert by_characters(whole, whole.thinking, (10, 50)).parts == ("x" * 20, "x" * 100)
    counted = Completion("yy", thinking="x" * 98, completion_tokens=50)
    assert by_characters(counted, counted.thinking, (7,)) == Cut(49, ("x" * 14,))
    assert by_characters(Completion(""), "x" * 80, (10,)) == Cut(20, ("x" * 40,))


@given(st.lists(st.text("ab <\n", min_size=1, max_size=3), max_size=30), st.data())
def test_cuts_by_tokens_are_beginnings_that_end_at_tokens(tokens: list[str], data) -> None:
    text = "".join(tokens)
    first = data.draw(st.integers(0, len(text)))
    trace = text[first : data.draw(st.integers(first, len(text)))]
    cut = by_logprobs(tokens, trace, (1, 3, 10**6)) if trace else None
    if cut:
        assert all(trace.startswith(part) and part for part in cut.parts)
        assert cut.parts[-1] == trace
        assert [len(part) for part in cut.parts] == sorted(len(part) for part in cut.parts)


# Models that go on -------------------------------------------------------------------------------------------------


def with_model(name: str, options: ModelOptions, use):
    async def run():
        model = OpenAICompatible(name, options) if options.base_url else open_model(name, options)
        await model.start()
        try:
            return await use(model)
        finally:
            await model.close()

    return asyncio.run(run())


def test_the_embedded_model_goes_on_as_if_it_had_written_the_beginning_itself() -> None:
    asked = Message(
        "user", "Alice has 3 brothers and she also has 6 sisters. How many sisters does Alice's brother have?"
    )
    greedy = Sampling(temperature=0, max_tokens=64)

    async def use(model):
        whole = await model.complete(Request((asked,), greedy))
        cut = await model.cut(whole.text, (1, 3, 10**6))
        begun = [Request((asked, Message("assistant", part)), greedy) for part in cut.parts[:2]]
        return whole, cut, [await model.complete(request) for request in begun]

    whole, cut, rest = with_model("tiny", ModelOptions(), use)
    assert cut.parts[-1] == whole.text
    assert cut.length + 1 == whole.completion_tokens  # the end is a token too
    for part, more in zip(cut.parts, rest, strict=False):
        assert 0 < len(part) < len(whole.text)
        assert (part + more.text).split() == whole.text.split()


MIND = Mind("7", "0", 50, 20)


def go_on(thinker: Thinker, begun: str, **extra: str) -> Completion:
    request = Request((ASKED, Message("assistant", begun)), Sampling(max_tokens=32))
    with MockServer(respond=thinker) as server:
        options = ModelOptions(server.base_url, max_retries=0, extra=extra)
        return with_model("mock", options, lambda model: model.complete(request))


@pytest.mark.parametrize(("tokenizer", "path"), [(True, "/completions"), (False, "/chat/completions")])
def test_a_server_goes_on_by_tokens_if_it_has_a_tokenizer_and_else_by_a_message(tokenizer: bool, path: str) -> None:
    """The mock's chat template opens the thinking section: it must not be opened twice, which the mock asserts."""
    thinker = Thinker({ASKED.content: MIND}, tokenizer)
    late = go_on(thinker, f"{OPEN}{thought(30)}{CLOSE}Final answer:")
    early = go_on(thinker, f"{OPEN}{thought(10)}{CLOSE}Final answer:")
    assert (late.text.strip(), early.text.strip()) == ("7", "0")
    assert thinker.counts[path] == 2
    assert late.cached_tokens is not None


def test_a_way_to_go_on_can_be_chosen() -> None:
    thinker = Thinker({ASKED.content: MIND})
    go_on(thinker, f"{OPEN}x{CLOSE}", continuing="chat")
    assert thinker.counts["/chat/completions"] == 1
    with pytest.raises(ModelError, match="/tokenize"):
        go_on(Thinker({ASKED.content: MIND}, tokenizer=False), f"{OPEN}x{CLOSE}", continuing="tokens")


def test_what_a_parser_takes_for_thinking_behind_a_closed_section_is_the_answer() -> None:
    reply = {"choices": [{"message": {"content": None, "reasoning_content": " 7"}, "finish_reason": "stop"}]}
    assert wire.completion("chat", reply, begun=True).text == " 7"
    assert wire.completion("chat", reply).thinking == " 7"


@pytest.mark.parametrize("reply", [None, {}, [], {"tokens": []}, {"tokens": ["a"]}, {"tokens": [True]}, {"tokens": 7}])
def test_an_odd_tokenizer_is_none(reply) -> None:
    async def ask(path, body):
        return reply

    tokenizer = ServerTokenizer(ask, "m")
    assert asyncio.run(tokenizer.cut("a b", (1,))) is None
    assert asyncio.run(tokenizer.begun((ASKED, Message("assistant", "a")))) is None


def test_tokens_that_are_not_of_the_text_cut_nothing() -> None:
    async def ask(path, body):
        return {"tokens": [1, 2, 3]} if path == "/tokenize" else {"prompt": "another text"}

    assert asyncio.run(ServerTokenizer(ask, "m").cut("a b c", (1,))) is None


@pytest.mark.parametrize(
    ("prompt", "begun", "rest"),
    [
        ("Q<think>\n", "<think>\nabc", "abc"),
        ("Q<think>", "<think>\nabc", "\nabc"),
        ("Q", "<think>\nabc", "<think>\nabc"),
        ("Q[THINK]", "[THINK]abc", "abc"),
        ("Q<think>\n", "abc", "abc"),
        ("Q<think>\n\n</think>\n\n", "<think>\nabc", "<think>\nabc"),
    ],
)
def test_a_section_that_the_template_opens_is_not_opened_again(prompt: str, begun: str, rest: str) -> None:
    assert opened_once(prompt, begun) == rest


def test_a_plain_endpoint_gets_the_beginning_right_behind_the_prompt() -> None:
    request = Request((ASKED, Message("assistant", "<think>\na")), Sampling())
    assert wire.body("completions", "m", request, "max_tokens", {})["prompt"] == "How many?<think>\na"
    body = wire.body("chat", "m", request, "max_tokens", {})
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert "continue_final_message" not in wire.body("chat", "m", Request((ASKED,), Sampling()), "max_tokens", {})


# The limit of thinking tokens --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("thinking_token_budget", {"thinking_token_budget": 9}),
        ("thinking_budget_tokens", {"thinking_budget_tokens": 9}),
        ("thinking_budget", {"enable_thinking": True, "thinking_budget": 9}),
        ("chat_template_kwargs", {"chat_template_kwargs": {"thinking_budget": 9, "k": 1}}),
        ("nvext", {"nvext": {"max_thinking_tokens": 9}}),
        ("thinking", {"thinking": {"type": "enabled", "budget_tokens": 9}}),
        ("reasoning", {"reasoning": {"max_tokens": 9}}),
        (None, {}),
    ],
)
def test_each_server_gets_the_limit_by_its_own_name(field, sent) -> None:
    extra = {"chat_template_kwargs": {"k": 1}} if field == "chat_template_kwargs" else {}
    body = wire.body("chat", "m", Request((ASKED,), Sampling(thinking_tokens=9)), "max_tokens", extra, field)
    assert {k: v for k, v in body.items() if k not in ("model", "messages")} == sent


@pytest.mark.parametrize(
    ("model", "given", "words"),
    [
        ("tiny", {}, "takes no limit"),
        ("baseline/oracle", {}, "takes no limit"),
        ("openai/m", {}, "--reasoning-effort"),
        ("openai/m", {"base_url": "http://127.0.0.1:9/v1"}, "thinking_field"),
    ],
)
def test_a_model_that_takes_no_limit_refuses_it_before_anything_is_sent(model: str, given, words: str) -> None:
    config = configure("aiw", model, {"thinking_tokens": 9, **given}, {}, {}, {})
    with pytest.raises(UsageError) as error:
        launch.prepare(config)
    assert words in f"{error.value.message} {error.value.hint}"


def test_a_model_that_takes_a_limit_is_opened() -> None:
    url = {"base_url": "http://127.0.0.1:9/v1"}
    launch.prepare(configure("aiw", "vllm/m", {"thinking_tokens": 9, **url}, {}, {}, {}))
    launch.prepare(
        configure("aiw", "openai/m", {"thinking_tokens": 9, **url}, {}, {"thinking_field": "thinking_budget"}, {})
    )
    with pytest.raises(UsageError, match="responses endpoint"):
        launch.prepare(configure("aiw", "vllm/m", {"thinking_tokens": 9, **url}, {}, {"api": "responses"}, {}))


def test_the_limit_is_part_of_an_identity_only_if_it_is_given() -> None:
    """Records and cached answers of before there was one keep theirs."""
    plain = Sampling(temperature=0.5, stop=("x",))
    before = {k: v for k, v in asdict(plain).items() if k not in ("thinking_tokens", "given")}
    assert store.identity(plain.identity()) == store.identity(before)
    limited = Sampling(temperature=0.5, stop=("x",), thinking_tokens=9).identity()
    assert json.loads(json.dumps(limited))["thinking_tokens"] == 9
    assert store.identity(limited) != store.identity(before)
    url = ModelOptions("http://127.0.0.1:9/v1")
    assert set(OpenAICompatible("m", url).identity) == {"model", "server", "api", "extra_body"}
