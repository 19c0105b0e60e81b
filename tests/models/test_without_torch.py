"""The backend hf without its extra: one line that says what to install. The rest of it is in tests/lab."""

import importlib.util

import pytest

from harness.models import hf
from harness.trust import deciding_options


@pytest.mark.parametrize("command", [("run", "-t", "aiw"), ("lens", "aiw")])
def test_without_the_extra_it_says_what_to_install(harness, monkeypatch, command) -> None:
    monkeypatch.setattr(hf.importlib.util, "find_spec", lambda name: None)
    code, _, err = harness(*command, "-m", "hf/some/model")
    assert code == 2
    assert "needs torch and transformers and safetensors" in err
    assert "pip install 'reasoning-harness[" in err


def test_an_adapter_needs_its_package_and_the_users_own_word(harness, tmp_path, monkeypatch) -> None:
    (tmp_path / hf.ADAPTER_WEIGHTS).touch()
    there = importlib.util.find_spec
    monkeypatch.setattr(hf.importlib.util, "find_spec", lambda name: None if name == "peft" else there("json"))
    code, _, err = harness("run", "-t", "aiw", "-m", "hf/tiny", "-M", f"adapter={tmp_path}")
    assert (code, "pip install peft" in err) == (2, True)
    assert set(deciding_options("hf", {"dtype": "auto", "adapter": "x"})) == {"-M adapter"}
