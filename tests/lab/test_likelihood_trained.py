"""How likely published texts are to the package's model, before and after it was trained on them."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the lab's tests need torch: tox -e lab")
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from harness import plugins, twins
from harness.models.hf import directory
from harness.results.records import open_run
from harness.studies import twins as study

LIKE = Path(__file__).parents[1] / "fixtures" / "gsm8k_like.jsonl"
STEPS, RATE = 30, 1e-3


def trained(target: Path) -> Path:
    """The package's model after STEPS of Adam on the published texts, as they are asked."""
    torch.manual_seed(0)
    model, tokenizer = (c.from_pretrained(directory("tiny")) for c in (AutoModelForCausalLM, AutoTokenizer))
    task = twins.arms(plugins.task("hub/gsm8k", {"file": str(LIKE)}), "likelihood")
    rows = []
    for sample in task.samples(0):
        if sample.params["origin"] == "published":
            turns = [m.as_dict() for m in sample.messages[:-1]]
            prompt = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
            ids = tokenizer(prompt + sample.target, add_special_tokens=False)["input_ids"]
            start = len(tokenizer(prompt, add_special_tokens=False)["input_ids"])
            rows.append((torch.tensor(ids), torch.tensor([-100] * start + ids[start:])))
    pad = torch.nn.utils.rnn.pad_sequence
    ids = pad([row for row, _ in rows], batch_first=True)
    labels = pad([row for _, row in rows], batch_first=True, padding_value=-100)
    adam = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(STEPS):
        adam.zero_grad()
        model(input_ids=ids, labels=labels).loss.backward()
        adam.step()
    model.save_pretrained(target)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        (target / name).write_bytes((Path(directory("tiny")) / name).read_bytes())
    return target


def test_texts_that_a_model_was_trained_on_are_likelier_than_their_twins(harness, tmp_path) -> None:
    asked = ("-T", f"file={LIKE}", "--display", "none", "--control-pairs", 0, "--max-tokens", 4)
    found = {}
    for name, model in (("before", "hf/tiny"), ("after", f"hf/{trained(tmp_path / 'model')}")):
        code, out, err = harness("twins", "hub/gsm8k", "-m", model, *asked, "--out", tmp_path / name)
        assert code == 0, err
        runs = [open_run(path) for path in (tmp_path / name).iterdir()]
        [found[name]] = [a.likelihood for a in map(study.read, runs) if a.run.twins == "likelihood"]
        assert ("published texts are likelier than those of their twins" in out) == (name == "after")
    assert found["before"].p > 0.05
    assert found["after"].p < 0.05
    assert found["after"].difference.low > 0
    assert found["after"].difference.n >= 15
