"""The embedded model's weights on real vLLM, end to end: `tox -e vllm`, or HARNESS_VLLM_PYTHON=... pytest tests/vllm.

One server is started for all of them, and one more for Ctrl-C: about a minute each on two CPU cores.
"""

import asyncio
import itertools
import os
import re
import signal
import subprocess
import sys
import warnings
from dataclasses import replace
from importlib import resources

import pytest

from harness import plugins
from harness.errors import FatalModelError, ModelError
from harness.models import embedded, vllm_server
from harness.models.server_process import is_alive
from harness.types import Message, ModelOptions, Request, Sampling
from tests import waiting

if not os.environ.get("HARNESS_VLLM_PYTHON"):
    reason = "real vLLM is NOT tested: HARNESS_VLLM_PYTHON is not set (`tox -e vllm` installs vLLM and sets it)"
    warnings.warn(reason, stacklevel=1)
    pytest.skip(reason, allow_module_level=True)

HF = str(resources.files("harness.models.tiny") / "hf")
# vLLM 0.32's engine dies on CPUs when it splits the prompt of a request that has a seed: so it is told not to.
ENGINE = {"dtype": "bfloat16", "max_model_len": "1024", "enable_chunked_prefill": "false"}
ENVIRONMENT = {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1"}
GREEDY = Sampling(temperature=0, max_tokens=256)
QUESTION = (
    "Alice has 3 brothers and she also has 6 sisters. How many sisters does Alice's brother have? "
    'Solve this problem and provide the final answer in following form: "### Answer: ".'
)


@pytest.fixture(scope="module", autouse=True)
def shared_server(tmp_path_factory):
    """Every test opens the model anew and gets the same server."""
    home = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setattr(vllm_server, "_state", lambda: home)
        with vllm_server.sharing():
            yield


def family(pid):
    """{pid: command} of the living descendants of a process."""
    rows = subprocess.run(["ps", "-eo", "pid,ppid,stat,args"], capture_output=True, text=True, check=True).stdout
    parsed = [row.split(None, 3) for row in rows.splitlines()[1:]]
    living = [(int(p), int(parent), command) for p, parent, state, command in parsed if "Z" not in state]
    found, fresh = {}, {pid}
    while fresh:
        children = {p: command for p, parent, command in living if parent in fresh}
        found |= children
        fresh = set(children)
    return {p: command for p, command in found.items() if not command.startswith("ps ")}


def wait_until_gone(pids):
    waiting.until(lambda: not any(map(is_alive, pids)), f"these processes are gone: {sorted(pids)}")


def with_model(use, **extra):
    """What `use(model)` returns."""

    async def scenario():
        model = vllm_server.open_model(HF, ModelOptions(extra={**ENGINE, **extra}))
        await model.start()
        try:
            return await use(model)
        finally:
            await model.close()

    return asyncio.run(scenario())


def answers(requests, **extra):
    async def use(model):
        return await asyncio.gather(*(model.complete(request) for request in requests))

    return with_model(use, **extra)


def ask(sampling=GREEDY, text=QUESTION, **extra):
    return answers([Request((Message("user", text),), sampling)], **extra)[0]


def by_embedded(requests):
    """The completions of the same weights, as int8, in this process."""

    async def scenario():
        model = embedded.open_model("tiny", ModelOptions())
        await model.start()
        try:
            return await asyncio.gather(*(model.complete(request) for request in requests))
        finally:
            await model.close()

    return asyncio.run(scenario())


def test_the_server_says_which_vllm_it_is():
    async def use(model):
        return model.identity

    identity = with_model(use)
    assert re.match(r"\d+\.\d+", identity["vllm_version"])
    assert identity["engine_dtype"] == "bfloat16"
    assert identity["weights"]


def test_chat_renders_the_models_own_template():
    request = Request((Message("user", QUESTION),), GREEDY)
    served, embedded_too = answers([request])[0], by_embedded([request])[0]
    assert served.prompt_tokens == embedded_too.prompt_tokens
    assert served.stop_reason == "stop"
    assert "### Answer" in served.text
    assert served.served_by.startswith(f"{HF}@vllm-")


@pytest.mark.parametrize("way", ["tokens", "chat"])
def test_an_answer_is_continued_from_its_beginning(way):
    """The thinking budget of `harness budget` rests on it; the limit of thinking tokens is known to the server, which
    refuses it as long as nobody has told it where thinking begins and ends."""
    asked = Message("user", QUESTION)

    async def use(model):
        whole = await model.complete(Request((asked,), GREEDY))
        cut = await model.cut(whole.text, (4, 10**6))
        begun = await model.complete(Request((asked, Message("assistant", cut.parts[0])), GREEDY))
        with pytest.raises(ModelError, match="thinking_token_budget"):
            await model.complete(Request((asked,), Sampling(max_tokens=8, thinking_tokens=4)))
        return whole, cut, begun

    whole, cut, begun = with_model(use, continuing=way)
    assert cut.parts[1] == whole.text
    assert 4 < cut.length < whole.completion_tokens
    assert (cut.parts[0] + begun.text).split() == whole.text.split()


def test_a_given_text_is_as_likely_as_the_package_s_model_says():
    asked = [(Message("user", QUESTION),), (Message("user", QUESTION), Message("assistant", "### Answer:"))]
    requests = [
        Request(messages, replace(GREEDY, given=text, logprobs=k))
        for messages, text in zip(asked, ("### Answer: 7", " 7"), strict=True)
        for k in (None, 2)
    ]
    for served, ours in zip(answers(requests), by_embedded(requests), strict=True):
        assert (served.text, served.stop_reason) == (ours.text, "stop")
        assert served.prompt_tokens == ours.prompt_tokens
        assert [t.token for t in served.logprobs] == [t.token for t in ours.logprobs]
        assert [len(t.top) for t in served.logprobs] == [len(t.top) for t in ours.logprobs]
        # The server's numbers are bfloat16, ours 8-bit.
        assert [t.logprob for t in served.logprobs] == pytest.approx([t.logprob for t in ours.logprobs], abs=0.5)


def test_usage_is_told():
    completion = ask(Sampling(temperature=0, max_tokens=3))
    assert completion.completion_tokens == 3
    assert completion.stop_reason == "length"
    assert completion.prompt_tokens > 20


@pytest.mark.parametrize("limit", [1000, 2048])
def test_a_length_limit_that_the_context_can_not_hold_is_no_error(limit):
    assert ask(Sampling(temperature=0, max_tokens=limit)).stop_reason == "stop"


def test_plain_completions_work_too():
    completion = ask(api="completions")
    assert completion.text
    assert completion.completion_tokens > 0


def test_logprobs_of_greedy_tokens_are_the_highest():
    completion = ask(Sampling(temperature=0, max_tokens=8, logprobs=3))
    assert len(completion.logprobs) == completion.completion_tokens
    for token in completion.logprobs:
        assert token.logprob <= 0
        assert len(token.top) == 3
        assert token.logprob == max(logprob for _, logprob in token.top)


def test_a_seed_repeats_a_sample_and_another_does_not():
    def samples():
        return [ask(Sampling(temperature=2.0, max_tokens=12, seed=seed), "Tell me a story.").text for seed in range(6)]

    first = samples()
    assert first == samples()
    assert len(set(first)) > 1


def test_many_seeded_samples_at_once():
    """What a run at temperature 1 sends: every request has its own seed, and as many are under way as may be."""
    sampling = [Sampling(temperature=1.0, max_tokens=64, seed=seed) for seed in range(256)]
    texts = [c.text for c in answers([Request((Message("user", QUESTION),), s) for s in sampling])]
    assert all("### Answer" in text for text in texts)


def test_a_prompt_that_is_too_long_ends_as_one_that_was_cut():
    """As in the embedded model: nothing was answered, and the run goes on."""
    completion = ask(text="How many sisters? " * 1000)
    assert (completion.text, completion.stop_reason) == ("", "length")


def test_vllm_and_the_embedded_model_agree_on_nearly_all_answers():
    """Same weights, but bfloat16 here and int8 there: a near tie may fall either way."""
    task = plugins.task("aiw", {"family": "original,procedural"})
    samples = list(itertools.islice(task.samples(seed=0), 60))
    requests = [Request(sample.messages, GREEDY) for sample in samples]
    pairs = zip(samples, answers(requests), by_embedded(requests), strict=True)
    parsed = [tuple(task.score(sample.params, c.text, c.stop_reason).answer for c in both) for sample, *both in pairs]
    agreed = sum(one == other for one, other in parsed)
    print(f"{agreed} of {len(parsed)} answers agree; unparsed: {sum(None in pair for pair in parsed)}")
    assert sum(None not in pair for pair in parsed) >= 54
    assert agreed >= 54


def test_ctrl_c_at_harness_serve_leaves_nothing_behind(tmp_path):
    program = (
        "import pathlib, sys; from harness.models import vllm_server; from harness.types import ModelOptions\n"
        f"vllm_server._state = lambda: pathlib.Path({str(tmp_path)!r})\n"
        f"sys.exit(vllm_server.serve({HF!r}, ModelOptions(extra={ENGINE!r})))"
    )
    with waiting.started([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) as serving:
        lines = list(itertools.takewhile(lambda line: "is served at" not in line, serving.stderr))
        assert any("ready at" in line for line in lines), lines
        started = family(serving.pid)
        assert any("EngineCore" in command for command in started.values()), started
        assert len(list((tmp_path / "servers").iterdir())) == 1
        serving.send_signal(signal.SIGINT)
        assert waiting.ended(serving) == 0
        assert list((tmp_path / "servers").iterdir()) == []
        wait_until_gone(started)


def test_an_engine_that_is_killed_in_mid_run_stops_the_run():
    """The last test: it ends the shared server."""

    async def use(model):
        request = Request((Message("user", QUESTION),), GREEDY)
        await model.complete(request)
        started = family(os.getpid())
        os.kill(next(pid for pid, command in started.items() if "EngineCore" in command), signal.SIGKILL)
        for _ in range(int(10 * waiting.HANG)):
            try:
                await model.complete(request)
            except FatalModelError as error:
                return error, started
            except ModelError:
                pass
            await asyncio.sleep(0.1)
        raise AssertionError("a hang, not a slow machine: the server goes on without its engine")

    error, started = with_model(use)
    print(error.message)
    assert "has ended in mid-run; log: " in error.message
    wait_until_gone(started)
