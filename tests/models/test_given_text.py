"""How likely a text is that is given as the answer (Sampling.given), by the model in the package, and in a run."""

import asyncio
import json
import math
import re
from dataclasses import asdict, dataclass, replace
from typing import ClassVar

import pytest
from mock_server import MockServer  # benchmarks/

from harness.errors import AidError, FatalModelError, ModelError, UsageError
from harness.launch import prepare
from harness.models import vllm_server
from harness.models.openai_api import OpenAICompatible
from harness.models.registry import open_model
from harness.pipeline import store
from harness.pipeline.budget import Budget
from harness.pipeline.config import RunConfig
from harness.pipeline.runner import Run
from harness.types import Aid, Completion, Message, ModelOptions, Request, Response, Sampling, ScoresText, TokenLogprob
from tests.models.test_embedded import QUESTION
from tests.support import Echo

ASKED = (Message("user", QUESTION),)
GREEDY = Sampling(temperature=0, max_tokens=64)
EXACT = {"compute_type": "float32"}


def use(what, **extra: str):
    async def run():
        model = open_model("tiny", ModelOptions(extra=EXACT | extra))
        await model.start()
        try:
            return await what(model)
        finally:
            await model.close()

    return asyncio.run(run())


def likely(*texts: str, messages: tuple[Message, ...] = ASKED, sampling: Sampling = GREEDY, **extra: str):
    async def together(model):
        asked = [Request(messages, replace(sampling, given=text)) for text in texts]
        return await asyncio.gather(*(model.complete(request) for request in asked))

    return use(together, **extra)


def test_a_text_that_was_generated_is_as_likely_as_it_was_then_whatever_is_asked_beside_it() -> None:
    (whole,) = use(lambda m: asyncio.gather(m.complete(Request(ASKED, replace(GREEDY, logprobs=2)))))
    many = ("6", "no " * 200, whole.text, "", "Alice")
    hot = replace(GREEDY, temperature=3.0, logprobs=2)
    *_, made, none, _ = together = likely(*many, sampling=hot)
    assert (made.text, made.stop_reason, made.prompt_tokens) == (whole.text, "stop", whole.prompt_tokens)
    own = whole.logprobs[:-1]  # without the token that ended it
    assert made.completion_tokens == len(made.logprobs) == len(own)
    for said, then in zip(made.logprobs, own, strict=True):
        assert said.token == then.token
        assert said.logprob == pytest.approx(then.logprob, abs=1e-4)
        assert said.top[0] == (said.token, said.logprob)
    assert (none.text, none.logprobs, none.completion_tokens) == ("", (), 0)
    for text, beside in zip(many, together, strict=True):
        [alone] = likely(text)
        assert [t.logprob for t in alone.logprobs] == pytest.approx([t.logprob for t in beside.logprobs], abs=1e-4)
    assert [t.top for t in likely("6")[0].logprobs] == [()]


def test_the_probabilities_of_all_texts_of_one_token_are_one_together() -> None:
    async def every(model):
        ids = range(model._tokenizer.get_vocab_size())
        prompt = model.encode(model.render(ASKED))
        spelt = [text for i in ids if model.encode(text := model.decode([i])) == [i]]
        asked = [Request(ASKED, replace(GREEDY, given=text)) for text in spelt]
        [best] = (await model.complete(Request(ASKED, replace(GREEDY, given="#", logprobs=len(ids))))).logprobs
        assert len(prompt) > 20
        return await asyncio.gather(*(model.complete(request) for request in asked)), dict(best.top)

    made, best = use(every)
    assert {len(c.logprobs) for c in made} == {1}
    assert len(made) > 400
    for completion in made:
        [token] = completion.logprobs
        assert token.logprob == pytest.approx(best[token.token], abs=1e-4)
    assert sum(math.exp(p) for p in best.values()) <= 1 + 1e-6
    said = sum(math.exp(c.logprobs[0].logprob) for c in made)
    unsaid = [p for token, p in best.items() if token not in {c.logprobs[0].token for c in made}]
    assert said + sum(map(math.exp, unsaid)) == pytest.approx(1, abs=0.01), "bytes that are no text look alike"


def test_it_is_likely_behind_what_the_answer_has_begun_with() -> None:
    [whole] = likely("### Answer: 7")
    [rest] = likely(" 7", messages=(*ASKED, Message("assistant", "### Answer:")))
    assert [t.token for t in rest.logprobs] == [t.token for t in whole.logprobs[-len(rest.logprobs) :]]
    tail = [t.logprob for t in whole.logprobs[-len(rest.logprobs) :]]
    assert [t.logprob for t in rest.logprobs] == pytest.approx(tail, abs=1e-4)


def test_tokens_of_the_prompt_stay_if_the_text_would_merge_with_the_last_one() -> None:
    async def both(model):
        begun = (*ASKED, Message("assistant", "An"))
        return model.encode("Answer"), await model.complete(Request(begun, replace(GREEDY, given="swer")))

    _, made = use(both)
    assert "".join(t.token for t in made.logprobs) == "swer"


def test_a_text_that_does_not_fit_is_said_to_be_too_long() -> None:
    [made] = likely("word " * 2000)
    assert (made.text, made.stop_reason, made.logprobs) == ("", "length", None)
    assert "the model's context" in made.error
    [short] = likely("6")
    room = short.prompt_tokens + 1
    assert likely("6", context=str(room))[0].stop_reason == "stop"
    assert likely("6 7", context=str(room))[0].stop_reason == "length"


def test_the_text_is_part_of_an_identity_only_if_it_is_given() -> None:
    before = {k: v for k, v in asdict(GREEDY).items() if k not in ("given", "thinking_tokens")}
    assert store.identity(GREEDY.identity()) == store.identity(before)
    assert store.identity(replace(GREEDY, given="").identity()) != store.identity(before)


# A vLLM server ------------------------------------------------------------------------------------------------------


class Server:
    """A server whose tokens are words, each half as likely as the one before it in the prompt; keeps what it is asked.
    `spoilt` changes a reply."""

    def __init__(self, spoilt=lambda rows: rows) -> None:
        self.words, self.bodies, self.spoilt = [], [], spoilt

    def ids(self, text: str) -> list[int]:
        found = re.findall(r"\s*\S+", text)
        self.words += [word for word in found if word not in self.words]
        return [self.words.index(word) for word in found]

    def __call__(self, path, body):
        if path == "/detokenize":
            return {"prompt": "".join(self.words[i] for i in body["tokens"])}
        if path == "/tokenize":
            text = body["prompt"] if "prompt" in body else body["messages"][-1]["content"] + " <|assistant|>"
            return {"tokens": self.ids(text)}
        self.bodies.append((path, body))
        rows = [None]
        for place, i in enumerate(body["prompt"][1:], 1):
            row = {str(i): {"logprob": -float(place), "rank": 2, "decoded_token": self.words[i]}}
            if body["prompt_logprobs"]:
                row["999"] = {"logprob": -0.1, "rank": 1, "decoded_token": "x"}
            rows.append(row)
        choice = {"text": "zzz", "finish_reason": "length", "prompt_logprobs": self.spoilt(rows)}
        return {"choices": [choice], "usage": {"prompt_tokens": len(rows), "completion_tokens": 1}}


def served(server: Server, *messages: Message, given: str, **how) -> Completion:
    async def run(url):
        model = OpenAICompatible("mock", ModelOptions(url, max_retries=0))
        await model.start()
        try:
            return await model.complete(Request(messages, replace(GREEDY, given=given, **how)))
        finally:
            await model.close()

    with MockServer(respond=server) as mock:
        return asyncio.run(run(mock.base_url))


def test_a_server_is_asked_for_the_probabilities_of_its_prompt() -> None:
    server = Server()
    made = served(server, Message("user", "is it"), given="it is so", stop=("it",))
    assert (made.text, made.stop_reason, made.prompt_tokens, made.completion_tokens) == ("it is so", "stop", 3, 3)
    assert made.logprobs == tuple(TokenLogprob(w, -p) for w, p in (("it", 3.0), (" is", 4.0), (" so", 5.0)))
    [(path, body)] = server.bodies
    assert path == "/completions"
    assert body["prompt"] == server.ids("is it <|assistant|>") + server.ids("it is so")
    assert (body["max_tokens"], body["prompt_logprobs"]) == (1, 0)
    assert not {"stop", "logprobs", "given"} & set(body)


def test_a_server_s_text_stands_behind_what_the_answer_has_begun_with() -> None:
    server = Server()
    made = served(server, Message("user", "is it"), Message("assistant", "it is"), given=" so", logprobs=1)
    assert (made.prompt_tokens, made.logprobs) == (5, (TokenLogprob(" so", -5.0, (("x", -0.1),)),))


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda rows: None,
        lambda rows: rows[:-1],
        lambda rows: [*rows[:-1], None],
        lambda rows: [*rows[:-1], {"77": {"logprob": -1.0, "rank": 1}}],
        lambda rows: [*rows[:-1], {key: {**row, "logprob": math.nan} for key, row in rows[-1].items()}],
        lambda rows: "x" * len(rows),
    ],
)
def test_a_reply_without_them_is_no_answer(spoilt) -> None:
    with pytest.raises(ModelError, match="no prompt_logprobs as vLLM gives them"):
        served(Server(spoilt), Message("user", "is it"), given="so")


def test_a_server_without_a_tokenizer_says_so() -> None:
    with pytest.raises(ModelError, match="no /tokenize"):
        served(lambda path, body: None, Message("user", "is it"), given="so")


def test_vllm_can_with_its_chat_template_alone() -> None:
    assert vllm_server.open_model("m", ModelOptions("http://127.0.0.1:9")).cannot_score_text == ""
    plain = ModelOptions("http://127.0.0.1:9", extra={"api": "completions"})
    assert "chat template" in vllm_server.open_model("m", plain).cannot_score_text


# In a run ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Likeliest:
    """Asks how likely two texts are."""

    aid: ClassVar[Aid] = "none"
    scores_text: ClassVar[bool] = True
    max_calls: ClassVar[int] = 2

    async def solve(self, session):
        made = [(await session.ask(session.messages, given=text))[0] for text in ("1", "2")]
        return Response(max(made, key=lambda c: c.logprobs[0].logprob).text)


class Silent(Likeliest):
    """Does not say that it gives texts."""

    scores_text = False


class Tells:
    """The text of the answer, 2 likelier than 1; fails after `calls` calls."""

    name, max_connections, identity, cannot_score_text = "tells", 1, {"model": "tells"}, ""

    def __init__(self, calls: int = 99) -> None:
        self.left, self.asked = calls, []

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def complete(self, request):
        if not self.left:
            raise FatalModelError("gone", "not_found")
        self.left -= 1
        text = request.sampling.given
        self.asked.append((request.messages[-1].content, text))
        return Completion(text, prompt_tokens=3, completion_tokens=1, logprobs=(TokenLogprob(text, -1 / int(text)),))


def run(directory, model, strategy, **options):
    directory.mkdir(exist_ok=True)
    writer = store.Writer(directory)
    config = RunConfig("echo", "tells", **options)
    try:
        return asyncio.run(Run("r", config, Echo(4), strategy, model, writer).execute())
    finally:
        writer.close()


def test_calls_are_kept_resumed_and_cached_as_any(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first, rest = Tells(3), Tells()
    run(tmp_path / "a", first, Likeliest())
    calls = [json.loads(line) for line in (tmp_path / "a" / "calls.jsonl").read_text().splitlines()]
    assert [c["completion"]["logprobs"] for c in calls[:2]] == [[["1", -1.0, []]], [["2", -0.5, []]]]
    run(tmp_path / "a", rest, Likeliest())
    assert sorted(first.asked + rest.asked) == sorted((f"say {i}", t) for i in range(4) for t in "12")
    said = {r["id"]: r["response"] for r in store.read_records(tmp_path / "a") if r["outcome"] != "api_error"}
    assert said == dict.fromkeys((f"s{i}" for i in range(4)), "2")
    for again, asked in (("b", 8), ("c", 0)):
        model = Tells()
        run(tmp_path / again, model, Likeliest(), cache=True)
        assert len(model.asked) == asked


def test_a_budget_reserves_the_text_and_not_the_longest_answer() -> None:
    async def reserved(given):
        request = Request((Message("user", "?"),), Sampling(max_tokens=1000, given=given))
        return await Budget(10_000).reserve(request)

    assert asyncio.run(reserved(None)) > 1000
    assert asyncio.run(reserved("four")) < 10


def test_a_strategy_that_does_not_say_so_may_give_no_text(tmp_path) -> None:
    with pytest.raises(AidError, match="does not say so beside its aid"):
        run(tmp_path / "a", Tells(), Silent())


def test_who_can_is_known_before_anything_is_sent(monkeypatch) -> None:
    assert isinstance(open_model("tiny", ModelOptions()), ScoresText)
    monkeypatch.setattr("harness.plugins.strategy", lambda *_: Likeliest())
    prepare(RunConfig("aiw", "tiny", strategy="likeliest"))
    with pytest.raises(UsageError, match=r"how likely given texts are, and baseline/oracle can't tell"):
        prepare(RunConfig("aiw", "baseline/oracle", strategy="likeliest"))
