"""What the tests of vLLM servers start from."""

import shlex
import sys

import pytest

from harness.models import vllm_server
from tests.models.fake_vllm import FAKE_VLLM


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
