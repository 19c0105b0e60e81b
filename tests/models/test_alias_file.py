"""`harness models add`: your own aliases, in your own file, of which nothing else changes."""

import json

import pytest

from harness.models import registry
from harness.models.registry import Price, aliases, cost

HAND_WRITTEN = """# mine
[other]
x = 1

[models."old.one"]  # kept
model = "baseline/oracle"
options = { a = "[models.trap]" }

[models.mine]
model = "baseline/random"

[tail]
y = [
  1,
]
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(registry.platformdirs, "user_config_dir", lambda _: str(tmp_path / "config"))
    return tmp_path / "config" / "harness.toml"


def test_an_alias_is_written_and_can_be_used(harness, file) -> None:
    words = ("--base-url", "http://127.0.0.1:8000/v1", "--api-key-env", "MY_KEY", "--price", "2.5", "10")
    code, out, err = harness("models", "add", "mine.2", "openai/m", *words, "--about", 'says "hi" é', "-M", "omit=seed")
    assert (code, err) == (0, "")
    assert str(file) in out
    made = aliases()["mine.2"]
    assert (made.model, made.base_url, made.api_key_env) == ("openai/m", "http://127.0.0.1:8000/v1", "MY_KEY")
    assert (made.price, made.options, made.about) == (Price(2.5, 10.0), {"omit": "seed"}, 'says "hi" é')
    assert cost("mine.2", 1_000_000, 100_000) == 3.5
    assert "mine.2" in [row["alias"] for row in json.loads(harness("models", "--json")[1])]
    assert "mine.2" in harness("models")[1]
    harness("models", "add", "free", "baseline/oracle")
    assert harness("run", "--task", "arithmetic", "--model", "free", "--limit", "2", "--display", "none")[0] == 0


def test_the_dry_run_shows_what_an_alias_with_a_price_costs(harness, file) -> None:
    harness("models", "add", "paid", "openai/m", "--base-url", "http://127.0.0.1:9/v1", "--price", "10", "10")
    assert ", $0.0" in harness("run", "--task", "arithmetic", "--model", "paid", "--limit", "4", "--dry-run")[1]


@pytest.mark.parametrize("name", ["mine", "old.one"])
def test_an_alias_is_replaced_only_if_that_is_said_and_the_rest_stays(harness, file, name: str) -> None:
    file.parent.mkdir()
    file.write_text(HAND_WRITTEN)
    code, _, err = harness("models", "add", name, "baseline/shallow")
    assert (code, "has an alias" in err, "--replace" in err) == (2, True, True)
    assert file.read_text() == HAND_WRITTEN
    assert harness("models", "add", name, "baseline/shallow", "--replace")[0] == 0
    assert aliases()[name].model == "baseline/shallow"
    others = {"mine", "old.one"} - {name}
    assert {aliases()[other].model for other in others} <= {"baseline/oracle", "baseline/random"}
    for kept in ("# mine\n[other]\nx = 1\n", "[tail]\ny = [\n  1,\n]\n"):
        assert kept in file.read_text()


def test_a_shipped_alias_is_replaced_only_if_that_is_said(harness, file) -> None:
    code, _, err = harness("models", "add", "gpt-4o", "baseline/oracle")
    assert (code, "openai/gpt-4o" in err, "--replace" in err) == (2, True, True)
    assert not file.exists()
    assert harness("models", "add", "gpt-4o", "baseline/oracle", "--replace")[0] == 0
    assert aliases()["gpt-4o"].model == "baseline/oracle"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a,b", "baseline/oracle"), "can't be called"),
        (("a/b", "baseline/oracle"), "can't be called"),
        (("a", "llama"), "give what it stands for: vllm/"),
        (("a", "nothing"), "there is no model 'nothing'"),
        (("a", "opnai/x"), "there is no model backend"),
        (("a", "openai/x", "--base-url", "127.0.0.1"), "not a URL"),
        (("a", "openai/x", "--api-key-env", "sk-secret"), "a key itself would be recorded"),
        (("a", "openai/x", "--price", "-1", "2"), "--price takes"),
        (("a", "openai/x", "--price", "nan", "inf"), "--price takes"),
        (("a", "openai/x", "-M", "colour=red"), "no option 'colour'"),
        (("a", "baseline/oracle", "--about", "\x7f"), "characters"),
    ],
)
def test_what_could_not_be_used_is_not_written(harness, file, words, said: str) -> None:
    code, _, err = harness("models", "add", *words)
    assert (code, said in err, "secret" in err) == (2, True, False)
    assert not file.exists()


@pytest.mark.parametrize("text", ["models = 1", "x = ", 'models = { a = { model = "baseline/oracle" } }'])
def test_a_file_that_can_not_be_added_to_is_left_as_it_is(harness, file, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    assert harness("models", "add", "b", "baseline/oracle")[0] == 1
    assert file.read_text() == text
