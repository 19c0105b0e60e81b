"""What the tests of models and their servers start from."""

import shlex
import sys

import pytest

from harness.models import openai_api, vllm_launch, vllm_server
from tests.models.fake_vllm import FAKE_VLLM
from tests.waiting import HANG


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """On a crowded machine a server may take long to say something about itself."""
    monkeypatch.setattr(openai_api, "MODELS_WITHIN_S", HANG)
    monkeypatch.setattr(vllm_launch, "ANSWERS_WITHIN_S", HANG)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A state directory of its own, and no vLLM anywhere."""
    monkeypatch.setattr(vllm_server, "_state", lambda: tmp_path)
    for name in ("HARNESS_VLLM_COMMAND", "HARNESS_VLLM_PYTHON"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return tmp_path


@pytest.fixture
def fake(tmp_path):
    """The words that start the stand-in."""
    script = tmp_path / "fake_vllm.py"
    script.write_text(FAKE_VLLM)
    return shlex.join([sys.executable, str(script)])
