"""What is trusted: who may decide what is executed and who gets a key, and how secrets stay out of what is written.

Trusted are the command line, HARNESS_* variables, a file named with --config, and harness.toml in the user's own
configuration directory. Not trusted are harness.toml in the working directory and the run.json of a run: either may
come with a clone or a download. Knows no backend's code and reads no file.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from harness.errors import UsageError
from harness.types import ModelOptions

# Who gets a key -----------------------------------------------------------------------------------------------------

HOSTED = "https://api.openai.com/v1"
"""Where requests of the backend `openai` go if there is no base URL."""

HOSTS = {
    "OPENAI_API_KEY": ("api.openai.com",),
    "DEEPSEEK_API_KEY": ("api.deepseek.com",),
    "AZURE_OPENAI_API_KEY": (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"),
}
"""The hosts to which a key belongs; one that starts with a dot is any name under it. Always https."""

_HOST = re.compile("[a-z0-9.:-]{1,253}")

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def belongs(variable: str, url: str) -> bool:
    """Whether the key in this environment variable belongs to the server at this URL."""
    parts = _parts(url)
    host = (parts.hostname or "") if parts else ""
    if not _HOST.fullmatch(host):
        return False
    if variable == "VLLM_API_KEY":
        return host in LOOPBACK
    ours = HOSTS.get(variable, ())
    return bool(parts and parts.scheme == "https") and any(
        host.endswith(name) if name.startswith(".") else host == name for name in ours
    )


def key_variable(url: str, named: str | None = None) -> str | None:
    """The environment variable whose key the server at this URL gets: the one that was named, else the one that belongs
    to it, else None (no key is sent)."""
    return named or next((variable for variable in HOSTS if belongs(variable, url)), None)


# What a file that is not trusted may not decide ---------------------------------------------------------------------

_REQUESTS = frozenset(
    "api client model tokens_field thinking_field continuing extra_body chat_template_kwargs omit drop patience".split()
)
_ENGINE = frozenset(
    "port startup_timeout keep dtype quantization kv_cache_dtype revision tokenizer_revision reasoning_parser seed "
    "enforce_eager enable_chunked_prefill enable_prefix_caching limit_mm_per_prompt".split()
)
HARMLESS: Mapping[str, frozenset[str] | None] = {
    "openai": _REQUESTS,
    "vllm": _REQUESTS | _ENGINE,
    "embedded": None,
    "hf": frozenset("dtype device revision batch context".split()),
    "baseline": None,
    "replay": None,
}
"""The -M options of a backend that start no program, load no code and name no host; None: all are. Of vLLM's many
arguments (some load Python files) these are the common ones that hold only a word, and any whose value is a number."""

_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?")

Decisions = dict[str, str]
"""Options as they are written on the command line (`--base-url`, `-M command`) -> their values."""


def deciding_options(backend: str, extra: Mapping[str, str]) -> Decisions:
    """The -M options that may decide what is executed, or where a request goes."""
    harmless = HARMLESS.get(backend, frozenset())
    if harmless is None:
        return {}
    return {
        f"-M {key}": value
        for key, value in extra.items()
        if key.replace("-", "_") not in harmless and not (backend == "vllm" and _NUMBER.fullmatch(value))
    }


def decisions_of_run(backend: str, asked: ModelOptions, resolved: ModelOptions) -> Decisions:
    """What the options of a recorded run (`asked`; `resolved` together with those of an alias) would decide: a program
    that is started, or a key that is sent to a server to which it does not belong."""
    found = deciding_options(backend, asked.extra)
    url = resolved.base_url or HOSTED
    named = asked.api_key_env or ("VLLM_API_KEY" if backend == "vllm" and asked.base_url else None)
    if named and os.environ.get(named) and not belongs(named, url):
        found |= {"--base-url": asked.base_url} if asked.base_url else {}
        found |= {"--api-key-env": asked.api_key_env} if asked.api_key_env else {}
    return found


def confirm(
    decisions: Decisions, asked: ModelOptions, repeated: ModelOptions, directory: object, command: str = "run"
) -> None:
    """UsageError unless the user has repeated on the command line what a run's file would decide, as it stands there;
    also for a repeated option that says something else."""
    recorded, given = _as_decisions(asked), _as_decisions(repeated)
    for flag, value in given.items():
        if recorded.get(flag) != value:
            was = f"the run was asked with {words({flag: recorded[flag]})}" if flag in recorded else "it has none"
            raise UsageError(f"{words({flag: value})}: --resume finishes a run as it was asked: {was}")
    missing = {flag: value for flag, value in decisions.items() if flag not in given}
    if missing:
        raise UsageError(
            f"{directory}: its {'run' if command == 'run' else 'study'}.json would decide {_what(missing)}",
            f"if you trust it, repeat these options: harness {command} --resume {directory} {words(missing)}",
        )


def _as_decisions(options: ModelOptions) -> Decisions:
    found = {f"-M {key}": value for key, value in options.extra.items()}
    found |= {"--base-url": options.base_url} if options.base_url else {}
    return found | ({"--api-key-env": options.api_key_env} if options.api_key_env else {})


def _what(decisions: Decisions) -> str:
    key = decisions.keys() & {"--base-url", "--api-key-env"}
    found = ["what is executed, or where requests go"] if decisions.keys() - key else []
    return " and ".join([*found, *(["which server gets a key"] if key else [])])


def words(decisions: Decisions) -> str:
    """The options as they are typed in a shell."""
    return " ".join(
        f"-M {shlex.quote(f'{flag[3:]}={value}')}" if flag.startswith("-M ") else f"{flag} {shlex.quote(value)}"
        for flag, value in decisions.items()
    )


# Secrets ------------------------------------------------------------------------------------------------------------

_SECRET_NAME = re.compile(
    r"(^|[_.-])(api_?key|access_?key(_id)?|secret(_key)?|client_secret|private_?key|password|passwd|authorization|"
    r"auth|bearer|credentials?|cookie|(auth|access|api|hf|id|session|refresh)_?token)$|^((extra|default|http)[_-])?headers?$",
    re.IGNORECASE,
)
"""Names of options and JSON keys whose value is a secret, or holds some (headers)."""

_SECRET_VARIABLE = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|ACCESS_KEY_ID)$")

_SECRET_TEXT = re.compile(
    r"\b(?:sk|rk|pk)-[A-Za-z0-9_-]{16,}|\bhf_[A-Za-z0-9]{16,}|\bgh[pousr]_[A-Za-z0-9]{20,}|\bAKIA[0-9A-Z]{16}\b"
    r"|\bAIza[A-Za-z0-9_-]{30,}|(?<=Bearer )[^\s\"',;]{8,}|(?<=://)[^/\s:@]{1,200}:[^/\s@]{1,200}(?=@)"
    r"|(?<=[?&])(?:api[_-]?key|key|token|access_token|sig)=[^&\s'\"]+"
)
"""What keys look like, and where they stand in texts and URLs."""

SHORTEST_KEY = 12
"""Characters. A shorter value (EMPTY, test) is a word that may be part of any text."""

MASK = "[key]"


def masked(text: str, key: str | None = None) -> str:
    """The text without keys: the one given, those in environment variables with the name of a secret, and what looks
    like one."""
    own = (v for name, v in os.environ.items() if _SECRET_VARIABLE.search(name) and len(v) >= SHORTEST_KEY)
    for value in sorted({*own, *([key] if key else [])}, key=len, reverse=True):
        text = text.replace(value, MASK)
    return _SECRET_TEXT.sub(MASK, text)


def check_no_secret(options: ModelOptions) -> None:
    """UsageError, without the secret, if an option would put one in run.json: in a URL, in an -M option or its JSON, or
    in place of the name of an environment variable."""
    name = options.api_key_env
    if name is not None and (not re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,63}", name) or _SECRET_TEXT.search(name)):
        raise UsageError(
            "--api-key-env takes the NAME of an environment variable, and this is none",
            "export MY_KEY=..., then --api-key-env MY_KEY: a key itself would be recorded",
        )
    if options.base_url is not None:
        _check_url(options.base_url, "--base-url")
    for key, value in options.extra.items():
        named = key in ("key", "token") or _SECRET_NAME.search(key) or any(map(_SECRET_NAME.search, _filled(value)))
        if named or _SECRET_TEXT.search(value) or "@" in (_parts(value) or _NOWHERE).netloc:
            raise UsageError(f"-M {key}: it holds a secret, and options are recorded in run.json", _HINT)


_NOWHERE = SplitResult("", "", "", "", "")

_HINT = "a key stands in an environment variable: --api-key-env names it; or HF_TOKEN, VLLM_API_KEY"


def _check_url(url: str, where: str) -> None:
    parts = _parts(url) or _NOWHERE
    if "@" in parts.netloc:
        raise UsageError(f"{where}: a URL with credentials in it ends up in logs", _HINT)
    if parts.query or parts.fragment:
        raise UsageError(f"{where}: a URL with a query (?...) ends up in logs, and no path can follow it", _HINT)
    if not url.isprintable() or re.search(r"[\\\s]", url):
        raise UsageError(f"{where}: not a URL of a server", "for example http://127.0.0.1:8000/v1")


def _parts(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _filled(value: str) -> Iterator[str]:
    """The keys of an option's value, if it is JSON, that hold text, or in headers an object."""
    if "{" not in value:
        return
    try:
        todo: list[Any] = [json.loads(value)]
    except (ValueError, RecursionError):
        return
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            yield from (str(k) for k, v in one.items() if isinstance(v, str) or str(k).lower().endswith("headers"))
        todo += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()


# What children get --------------------------------------------------------------------------------------------------

_NAMES = frozenset(
    "PATH HOME USER LOGNAME SHELL TERM TMPDIR TEMP TMP TZ LANG LANGUAGE SYSTEMROOT COMSPEC PATHEXT VIRTUAL_ENV "
    "JAVA_HOME".split()
)
_PREFIXES = ("LC_", "LD_", "DYLD_", "PYTHON", "CONDA_", "XDG_", "OMP_", "MKL_", "KMP_", "OPENBLAS_", "GOMP_")

SERVING_NAMES = frozenset(
    "HF_TOKEN HF_TOKEN_PATH HUGGING_FACE_HUB_TOKEN VLLM_API_KEY HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy "
    "https_proxy no_proxy all_proxy REQUESTS_CA_BUNDLE CURL_CA_BUNDLE CC CXX CPATH LIBRARY_PATH".split()
)
SERVING_PREFIXES = tuple(
    "VLLM_ CUDA NVIDIA_ NCCL_ GPU_ ROCR_ ROCM_ HIP_ HSA_ AMD_ PYTORCH_ TORCH TRITON_ TPU_ XLA_ ONEAPI_ SYCL_ ZE_ CCL_ "
    "GLOO_ UCX_ RAY_ HF_ HUGGINGFACE_ TRANSFORMERS_ TOKENIZERS_ SAFETENSORS_ FLASHINFER_ MODELSCOPE_ SSL_ DOCKER_ "
    "CONTAINER PODMAN_ APPTAINER SINGULARITY SLURM_ MASTER_".split()
)


def child_environment(
    names: frozenset[str] = frozenset(), prefixes: tuple[str, ...] = (), also: tuple[str, ...] = ()
) -> dict[str, str]:
    """The part of our environment that a child gets: what any program needs, variables of these names or prefixes, and
    `also`. Of those that are only known by a prefix, none with the name of a secret."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in _NAMES
        or name in names
        or name in also
        or (name.startswith((*_PREFIXES, *prefixes)) and not _SECRET_VARIABLE.search(name))
    }
