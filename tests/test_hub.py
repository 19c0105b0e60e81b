"""Loading from the hub, and looking for pins: mocked at the packages' own boundary."""

import importlib
import sys
import types

import pytest

from harness import hub
from harness.errors import DataError
from harness.hub import Pin

PIN = Pin("mine", "a/b", ("c",), "test", "1" * 40, 2)


@pytest.fixture(autouse=True)
def reachable(monkeypatch):
    monkeypatch.setattr(hub, "_reachable", lambda url: True)
    for name in hub.OFFLINE:
        monkeypatch.delenv(name, raising=False)


def datasets(monkeypatch, load) -> None:
    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load))


def test_a_pin_is_loaded_at_its_commit_and_configurations_one_after_the_other(monkeypatch) -> None:
    asked = []
    datasets(monkeypatch, lambda *args, **kwargs: asked.append((args, kwargs)) or [{"x": len(asked)}])
    assert hub.load(PIN) == [{"x": 1}]
    assert asked == [(("a/b", "c"), {"split": "test", "revision": "1" * 40, "trust_remote_code": False})]
    two = Pin("mine", "a/b", ("c", "d"))
    assert hub.load(two) == [{"x": 2, "config": "c"}, {"x": 3, "config": "d"}]
    assert asked[-1] == (("a/b", "d"), {"split": "test", "revision": None, "trust_remote_code": False})


def test_every_trouble_is_one_line_with_what_to_do(monkeypatch, tmp_path) -> None:
    def fails(*_, **__):
        raise RuntimeError("Dataset scripts are no longer supported\nand more")

    datasets(monkeypatch, fails)
    with pytest.raises(
        DataError, match=r"^a/b: could not be loaded from the hub: RuntimeError: Dataset scripts are no"
    ):
        hub.load(PIN, "do this")
    monkeypatch.setattr(importlib, "import_module", lambda name: (_ for _ in ()).throw(ImportError(name)))
    with pytest.raises(DataError, match="`datasets` is not installed") as error:
        hub.load(PIN, "do this")
    assert error.value.hint == "pip install 'datasets>=2.20'; do this"
    monkeypatch.setattr(hub, "_reachable", lambda url: False)
    with pytest.raises(DataError, match="can't be reached within 6 seconds"):
        hub.load(PIN)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a/b").mkdir(parents=True)
    with pytest.raises(DataError, match="is a folder here"):
        hub.load(PIN)


def test_the_same_rows_have_the_same_hash_in_any_order_of_columns() -> None:
    one = hub.fingerprint([{"a": 1, "b": "ä"}, {"a": 2, "b": None}])
    assert one == hub.fingerprint([{"b": "ä", "a": 1}, {"b": None, "a": 2}])
    assert one != hub.fingerprint([{"a": 2, "b": None}, {"a": 1, "b": "ä"}])


def test_what_was_loaded_says_if_it_was_not_pinned() -> None:
    assert hub.loaded(PIN, "hub", [{}])["revision"] == "1" * 40
    loose = hub.loaded(Pin("mine", "a/b"), "hub", [{}])
    assert (loose["revision"], loose["note"]) == (
        "not pinned",
        "set mine is not pinned: these are the newest rows of a/b",
    )


class Api:
    """A stand-in for huggingface_hub.HfApi that has one repository."""

    def dataset_info(self, repo, revision, timeout):
        if repo != "a/b":
            raise LookupError("404 Client Error\nmore")
        return types.SimpleNamespace(sha=revision or "2" * 40)


def test_each_pin_is_looked_for_without_a_row(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", types.SimpleNamespace(HfApi=Api))
    found = list(hub.probe([PIN, Pin("loose", "a/b"), Pin("gone", "x/y")]))
    assert [(works, said) for _, works, said in found] == [
        (True, "at 1111111"),
        (True, f"not pinned; the newest is {'2' * 40}"),
        (False, "LookupError: 404 Client Error"),
    ]


def test_a_hub_that_does_not_answer_is_asked_once(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(hub, "_reachable", lambda url: asked.append(url) or False)
    found = list(hub.probe([PIN, Pin("loose", "a/b")]))
    assert [said for *_, said in found] == ["the hub can't be reached within 6 seconds"] * 2
    assert len(asked) == 1


def test_offline_nobody_is_asked(monkeypatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(hub, "_reachable", lambda url: pytest.fail("asked"))
    assert [said for *_, said in hub.probe([PIN])] == ["HF_HUB_OFFLINE is set"]
    datasets(monkeypatch, lambda *_, **__: [{"x": 1}])
    assert hub.load(PIN) == [{"x": 1}]


def test_doctor_checks_every_pin_of_every_task(harness, monkeypatch) -> None:
    monkeypatch.setattr(hub, "_reachable", lambda url: False)
    code, out, _ = harness("doctor", "--hub")
    assert code == 1
    lines = out.splitlines()[2:]
    assert len(lines) > 55
    assert all("can't be reached" in line for line in lines)
    assert any(line.startswith("hub/arc-challenge ") and "at 210d026" in line for line in lines)
    assert any(line.startswith("hub/proofwriter ") and "not pinned" in line for line in lines)
    assert any(line.startswith("multihop/musique ") for line in lines)
    monkeypatch.setattr(hub, "_reachable", lambda url: True)
    monkeypatch.setattr(Api, "dataset_info", lambda self, repo, revision, timeout: types.SimpleNamespace(sha="3" * 40))
    monkeypatch.setitem(sys.modules, "huggingface_hub", types.SimpleNamespace(HfApi=Api))
    assert harness("doctor", "--hub")[0] == 0
