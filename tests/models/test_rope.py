"""`-M rope_scaling=yarn:4` becomes the override that vLLM takes, checked before any server starts."""

import json
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.models.vllm_launch import command_line
from harness.models.vllm_server import _read, open_model
from harness.types import ModelOptions

THETA = 500000.0


def model(directory: Path, **config: object) -> str:
    (directory / "config.json").write_text(json.dumps(config))
    return str(directory)


def override(name: str, **options: str) -> dict:
    engine = _read(name, ModelOptions(extra=options))[0]
    words = command_line(["vllm", "serve"], engine, 1)
    assert "--rope-scaling" not in words, "vLLM has this flag no more"
    return json.loads(words[words.index("--hf-overrides") + 1])


@pytest.mark.parametrize("method", ["linear", "dynamic", "yarn"])
def test_a_local_model_s_config_says_what_it_was_trained_with(tmp_path: Path, method: str) -> None:
    for written in (
        {"max_position_embeddings": 2048, "rope_theta": THETA},
        {"max_position_embeddings": 2048, "rope_parameters": {"rope_theta": THETA, "rope_type": "default"}},
    ):
        found = override(model(tmp_path, **written), rope_scaling=f"{method}:4")["rope_parameters"]
        trained = {} if method == "linear" else {"original_max_position_embeddings": 2048}
        assert found == {"rope_type": method, "factor": 4.0, "rope_theta": THETA, **trained}


def test_ntk_divides_the_slowest_frequency_by_the_factor_and_keeps_the_quickest(tmp_path: Path) -> None:
    of_model = {"max_position_embeddings": 2048, "rope_theta": THETA, "hidden_size": 512, "num_attention_heads": 4}
    found = override(model(tmp_path, **of_model), rope_scaling="ntk:4")
    assert (found["rope_parameters"]["rope_type"], found["max_position_embeddings"]) == ("default", 8192)
    before, after = (
        [theta ** (-2 * i / 128) for i in range(64)] for theta in (THETA, found["rope_parameters"]["rope_theta"])
    )
    assert (before[0], before[-1]) == (after[0], pytest.approx(4 * after[-1]))
    for unknown in ({"hidden_size": None}, {"rope_parameters": {"rope_theta": THETA, "partial_rotary_factor": "x"}}):
        with pytest.raises(UsageError, match="width of the model's heads is not known"):
            override(model(tmp_path, **of_model | unknown), rope_scaling="ntk:4")


def test_a_model_that_is_scaled_already_is_scaled_from_its_trained_length(tmp_path: Path) -> None:
    scaled = {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 1024}
    name = model(tmp_path, max_position_embeddings=2048, rope_theta=THETA, rope_scaling=scaled)
    assert override(name, rope_scaling="yarn:8")["rope_parameters"]["original_max_position_embeddings"] == 1024


def test_of_a_model_of_the_hub_the_user_says_it() -> None:
    found = override("org/name", rope_scaling="yarn:4:32768:1000000", hf_overrides='{"a": 1}')
    parameters = {"rope_type": "yarn", "factor": 4.0, "rope_theta": 1e6, "original_max_position_embeddings": 32768}
    assert found == {"a": 1, "rope_parameters": parameters}
    with pytest.raises(UsageError, match="trained with is not known"):
        open_model("org/name", ModelOptions(extra={"rope_scaling": "yarn:4"}))


def test_it_is_part_of_the_identity_and_claimed_of_a_server_elsewhere(tmp_path: Path) -> None:
    name = model(tmp_path, max_position_embeddings=2048, rope_theta=THETA)
    plain, scaled = (open_model(name, ModelOptions(extra=e)).identity for e in ({}, {"rope_scaling": "yarn:4"}))
    assert "yarn" in str(scaled["engine_hf_overrides"])
    assert "engine_hf_overrides" not in plain
    there = open_model("org/name", ModelOptions(base_url="http://x:1", extra={"rope_scaling": "yarn:4"}))
    assert there.identity["engine_rope_scaling"] == "yarn:4"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rope_scaling": "pi:4"}, "none of linear, ntk, dynamic, yarn"),
        ({"rope_scaling": "yarn"}, "not of the form"),
        ({"rope_scaling": "yarn:x"}, "not of the form"),
        ({"rope_scaling": "yarn:nan"}, "not of the form"),
        ({"rope_scaling": "yarn:4:2048"}, "not of the form"),
        ({"rope_scaling": "yarn:0.5"}, "not between 1 and"),
        ({"rope_scaling": "yarn:4:0:10000"}, "number of tokens"),
        ({"hf_overrides": "rope"}, "not a JSON object"),
        ({"hf_overrides": '{"rope_parameters": 4}'}, "not a JSON object"),
        ({"hf_overrides": '{"rope_parameters": {"rope_type": "yarn", "factor": 4}}'}, "has no rope_theta"),
        ({"hf_overrides": '{"rope_scaling": {"rope_type": "yarn", "factor": "4"}}'}, "not a number between"),
        ({"hf_overrides": '{"rope_scaling": {"rope_theta": 1e4}}', "rope_scaling": "yarn:4"}, "both say"),
    ],
)
def test_what_vllm_could_not_use_or_would_use_otherwise_is_refused(options: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        open_model("org/name", ModelOptions(extra=options))


def test_a_config_that_says_nothing_is_none(tmp_path: Path) -> None:
    for written in ("[]", "{", '{"rope_theta": "x"}', '{"rope_theta": true, "max_position_embeddings": -1}'):
        (tmp_path / "config.json").write_text(written)
        with pytest.raises(UsageError, match="not known"):
            open_model(str(tmp_path), ModelOptions(extra={"rope_scaling": "linear:2"}))
