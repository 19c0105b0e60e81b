"""Files of the working directory and of strangers decide neither what is executed nor who gets a key, and no secret is
written."""

import json
import shlex
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mock_server import Faults, MockServer

from harness import trust
from harness.errors import DataError, UsageError
from harness.models import openai_api, registry, vllm_launch
from harness.results import records
from harness.tasks.multihop import published
from harness.types import ModelOptions

KEY = "sk-of-openai-0123456789"
OTHER = "aws/Secret+0123456789abcdef"


@pytest.fixture(autouse=True)
def keys(monkeypatch, tmp_path):
    """Keys in the environment, and a user without aliases."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", OTHER)
    monkeypatch.delenv("VLLM_API_KEY", raising=False)
    monkeypatch.setattr(registry, "user_file", lambda: tmp_path / "user" / "harness.toml")
    registry._said.clear()


def aliases(folder: Path, **tables: dict[str, object]) -> None:
    """Write a harness.toml."""
    folder.mkdir(exist_ok=True, parents=True)
    lines = []
    for name, table in tables.items():
        lines += [f"[models.{json.dumps(name)}]", *(f"{k} = {_toml(v)}" for k, v in table.items())]
    (folder / "harness.toml").write_text("\n".join(lines) + "\n")


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)


ONE = ("--task", "aiw", "--limit", 1, "--epochs", 1, "--display", "none")


def authorizations(server) -> list[str]:
    """What the server was sent, in the order in which each came first."""
    return list(server.counters.by_authorization)


# An alias in the working directory ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "table",
    [
        {"model": "openai/x", "base_url": "http://127.0.0.1:1/v1"},
        {"model": "openai/x", "api_key_env": "AWS_SECRET_ACCESS_KEY"},
        {"model": "openai/x", "options": {"azure_endpoint": "https://elsewhere.example"}},
        {"model": "vllm/x", "options": {"command": "touch started"}},
        {"model": "vllm/x", "options": {"python": "./python"}},
        {"model": "vllm/x", "options": {"trust_remote_code": True}},
        {"model": "vllm/x", "options": {"tool-parser-plugin": "./evil.py"}},
        {"model": "vllm/x", "options": {"pass_env": "AWS_SECRET_ACCESS_KEY"}},
    ],
    ids=lambda table: ",".join(list(table)[1:] + list(table.get("options", ()))),
)
def test_an_alias_of_the_working_directory_decides_neither_programs_nor_keys(harness, tmp_path, table) -> None:
    aliases(tmp_path, tiny=table)
    code, _, err = harness("run", *ONE, "--model", "tiny")
    assert (code, "harness.toml" in err, "--trust-config" in err) == (2, True, True)
    assert not Path("results").exists()
    assert not Path("started").exists()


@pytest.mark.parametrize("said", ["flag", "variable"])
def test_the_user_may_trust_the_working_directory(harness, tmp_path, monkeypatch, said) -> None:
    with MockServer(Faults(text="Answer: 3")) as server:
        aliases(tmp_path, mine={"model": "openai/x", "base_url": server.base_url, "api_key_env": "OPENAI_API_KEY"})
        if said == "variable":
            monkeypatch.setenv("HARNESS_TRUST_CONFIG", "1")
        flag = ["--trust-config"] if said == "flag" else []
        assert harness("run", *ONE, "--model", "mine", *flag)[0] == 0
        assert authorizations(server)[-1] == f"Bearer {KEY}"
    assert not registry._trusting.get()


def test_the_users_own_file_is_trusted(harness, tmp_path) -> None:
    with MockServer(Faults(text="Answer: 3")) as server:
        aliases(
            tmp_path / "user",
            mine={"model": "openai/x", "base_url": server.base_url, "api_key_env": "OPENAI_API_KEY"},
        )
        assert harness("run", *ONE, "--model", "mine")[0] == 0
        assert authorizations(server)[-1] == f"Bearer {KEY}"


def test_a_harmless_alias_of_the_working_directory_works_and_says_what_it_replaces(harness, tmp_path) -> None:
    aliases(tmp_path, tiny={"model": "baseline/oracle", "price": [1, 2]}, own={"model": "baseline/oracle"})
    code, _, err = harness("run", *ONE, "--model", "tiny")
    assert (code, err.count("tiny is baseline/oracle here (harness.toml), not embedded/tiny")) == (0, 1)
    assert "note" not in harness("run", *ONE, "--model", "own")[2]


def test_an_alias_that_hides_a_models_full_name_says_so(harness, tmp_path) -> None:
    aliases(tmp_path, **{"baseline/random": {"model": "baseline/oracle"}})
    assert "baseline/random is baseline/oracle here" in harness("run", *ONE, "--model", "baseline/random")[2]


def test_a_user_in_the_configuration_directory_is_trusted(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(registry, "user_file", lambda: tmp_path / "harness.toml")
    monkeypatch.chdir(tmp_path)
    aliases(tmp_path, mine={"model": "openai/x", "base_url": "http://127.0.0.1:1/v1"})
    assert registry.resolve("mine", ModelOptions())[2].base_url == "http://127.0.0.1:1/v1"


def test_code_of_a_folder_that_is_named_like_a_model_of_the_hub_is_not_run(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("org/name").mkdir(parents=True)
    Path("org/name/config.json").write_text("{}")
    code = ModelOptions(extra={"trust_remote_code": "true"})
    with pytest.raises(UsageError, match="is a folder here"):
        registry.open_model("vllm/org/name", code)
    registry.open_model("vllm/./org/name", code)
    registry.open_model("vllm/org/name", ModelOptions())


def test_a_folder_that_is_named_like_a_set_of_the_hub_is_not_read(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for source in published.sources().values():
        Path(source.pin.repo).mkdir(parents=True, exist_ok=True)
    for dataset in published.sources():
        with pytest.raises(DataError, match="is a folder here"):
            published._from_hub(dataset)


def test_a_price_for_a_shipped_alias_replaces_nothing(harness, tmp_path) -> None:
    aliases(tmp_path, tiny={"model": "embedded/tiny", "price": [1, 2]})
    assert "note" not in harness("run", *ONE, "--model", "tiny", "--dry-run")[2]


def test_the_list_of_models_says_which_aliases_need_trust(harness, tmp_path) -> None:
    aliases(tmp_path, mine={"model": "openai/x", "base_url": "http://127.0.0.1:1/v1"})
    assert "needs --trust-config" in harness("models")[1]


# Whose key it is ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "variable"),
    [
        ("https://api.openai.com/v1", "OPENAI_API_KEY"),
        ("https://API.OpenAI.com:443/v1", "OPENAI_API_KEY"),
        ("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
        ("https://me.openai.azure.com", "AZURE_OPENAI_API_KEY"),
        ("http://api.openai.com/v1", None),
        ("https://api.openai.com.evil.example/v1", None),
        ("https://evil-api.openai.com/v1", None),
        ("https://api.openai.com@evil.example/v1", None),
        ("https://evil.example/api.openai.com", None),
        ("https://evil.example\\.openai.azure.com", None),
        ("https://openai.azure.com", None),
        ("http://127.0.0.1:8000/v1", None),
        ("http://[::1", None),
    ],
)
def test_a_key_belongs_to_its_host(url: str, variable: str | None) -> None:
    assert trust.key_variable(url) == variable


def test_the_key_of_openai_goes_to_no_other_server_unless_the_user_says_so(harness) -> None:
    with MockServer(Faults(text="Answer: 3")) as server:
        assert harness("run", *ONE, "--model", "openai/m", "--base-url", server.base_url)[0] == 0
        assert set(authorizations(server)) == {""}
        named = ("--api-key-env", "OPENAI_API_KEY")
        assert harness("run", *ONE, "--model", "openai/m", "--base-url", server.base_url, *named)[0] == 0
        assert authorizations(server)[-1] == f"Bearer {KEY}"


def test_the_key_of_an_alias_does_not_follow_to_another_server(harness, monkeypatch) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", OTHER)
    with MockServer(Faults(text="Answer: 3")) as server:
        assert harness("run", *ONE, "--model", "deepseek", "--base-url", server.base_url)[0] == 0
        assert set(authorizations(server)) == {""}
    resolved = registry.resolve("deepseek", ModelOptions())[2]
    assert (resolved.base_url, resolved.api_key_env) == ("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY")


def test_a_server_that_wants_a_key_and_gets_none_says_how_to_give_one(harness) -> None:
    with MockServer(Faults(status=401)) as server:
        code, _, err = harness("run", *ONE, "--model", "openai/m", "--base-url", server.base_url)
    assert (code, "no key was sent: --api-key-env" in err) == (3, True)


# A run.json that is resumed -----------------------------------------------------------------------------------------


def recorded(harness, tmp_path: Path, model: str | None = None, **options: object) -> Path:
    """A run as a stranger could have written it: of this model, with these model options, its answers to be asked."""
    assert harness("run", *ONE, "--model", "baseline/oracle")[0] == 0
    (run,) = (tmp_path / "results").iterdir()
    about = json.loads((run / "run.json").read_text())
    about["config"]["model"] = model or about["config"]["model"]
    about["config"]["model_options"] |= options
    (run / "run.json").write_text(json.dumps(about))
    (run / "records.jsonl").write_text("")
    return run


@pytest.mark.parametrize("key", ["command", "python", "trust_remote_code", "middleware", "pass_env"])
def test_a_resumed_run_starts_no_program_of_its_own_choice(harness, tmp_path, key) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path / 'started'}\n")
    program.chmod(0o755)
    run = recorded(harness, tmp_path, "vllm/x", extra={key: str(program)})
    code, _, err = harness("run", "--resume", run)
    assert (code, f"-M {key}={program}" in err, "what is executed" in err) == (2, True, True)
    assert not (tmp_path / "started").exists()


def test_a_resumed_run_sends_a_key_only_if_the_user_repeats_where(harness, tmp_path) -> None:
    with MockServer(Faults(text="Answer: 3")) as server:
        options = {"base_url": server.base_url, "api_key_env": "AWS_SECRET_ACCESS_KEY"}
        run = recorded(harness, tmp_path, "openai/m", **options)
        code, _, err = harness("run", "--resume", run)
        assert (code, server.counters.requests) == (2, 0)
        repeat = shlex.split(err.partition("repeat these options: harness ")[2])
        assert harness(*repeat[:-1], "OPENAI_API_KEY")[0] == 2  # not what the run was asked with
        assert server.counters.requests == 0
        assert harness(*repeat)[0] == 0
        assert authorizations(server)[-1] == f"Bearer {OTHER}"


def test_a_resumed_run_sends_a_foreign_key_not_even_to_openai(harness, tmp_path) -> None:
    run = recorded(harness, tmp_path, "openai/m", api_key_env="AWS_SECRET_ACCESS_KEY")
    code, _, err = harness("run", "--resume", run)
    assert (code, "which server gets a key" in err) == (2, True)


def test_a_resumed_run_sends_the_key_of_vllm_to_no_other_machine(harness, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "key-of-our-servers")
    run = recorded(harness, tmp_path, "vllm/m", base_url="http://stranger.example/v1")
    code, _, err = harness("run", "--resume", run)
    assert (code, "--base-url http://stranger.example/v1" in err) == (2, True)


@pytest.mark.parametrize(
    "options", [{"base_url": 5}, {"extra": ["command"]}, {"extra": {"command": {}}}, {"api_key_env": []}]
)
def test_a_resumed_run_with_options_that_are_no_text_is_refused(harness, tmp_path, options) -> None:
    run = recorded(harness, tmp_path, "vllm/x", **options)
    code, _, err = harness("run", "--resume", run)
    assert (code, "run.json" in err, "Traceback" in err) == (1, True, False)


def test_a_run_on_a_local_server_is_resumed_without_more_words(harness, tmp_path) -> None:
    with MockServer(Faults(text="Answer: 3")) as server:
        run = recorded(harness, tmp_path, "openai/m", base_url=server.base_url, extra={"api": "chat"})
        assert harness("run", "--resume", run)[0] == 0
        assert set(authorizations(server)) == {""}


def test_an_incomplete_run_says_the_whole_command_that_finishes_it(harness) -> None:
    with MockServer(Faults(text="Answer: 3")) as server:
        asked = ("--base-url", server.base_url, "--api-key-env", "AWS_SECRET_ACCESS_KEY", "--budget-tokens", 1)
        code, _, err = harness("run", "--task", "aiw", "--model", "openai/m", "--display", "none", *asked)
        assert code == 3
        finish = err.partition("finish it with: harness ")[2].strip()
        repeated = f"--base-url {server.base_url} --api-key-env AWS_SECRET_ACCESS_KEY"
        assert finish.endswith(f"{repeated} --budget-tokens MORE")


# Secrets ------------------------------------------------------------------------------------------------------------

SECRET = "PassWord123"


@pytest.mark.parametrize(
    "options",
    [
        ["--base-url", f"http://me:{SECRET}@127.0.0.1:1/v1"],
        ["--base-url", f"ftp://me:{SECRET}@127.0.0.1:1/v1"],
        ["--base-url", f"http://127.0.0.1:1/v1?api_key={SECRET}"],
        ["--base-url", f"http://127.0.0.1:1/v1#{SECRET}"],
        ["--api-key-env", f"sk-{SECRET}"],
        ["--api-key-env", f"hf_{SECRET}abcdefghijkl"],
        ["-M", f"azure_endpoint=http://me:{SECRET}@x"],
        ["-M", f"azure_endpoint=http://{SECRET}@x"],
        ["-M", f"azure_endpoint=http://x/?api-key={SECRET}"],
        ["-M", f'extra_body={{"api_key": "{SECRET}"}}'],
        ["-M", f'extra_body={{"a": [{{"Authorization": "{SECRET}"}}]}}'],
        ["-M", f'extra_body={{"extra_headers": {{"X": "{SECRET}"}}}}'],
        ["-M", f'extra_headers={{"X": "{SECRET}"}}'],
        ["-M", f"hf_token={SECRET}"],
        ["-M", f"api-key={SECRET}"],
        ["-M", f"note=Bearer {SECRET}"],
    ],
    ids=lambda options: " ".join(options),
)
@pytest.mark.parametrize("backend", ["openai", "vllm"])
def test_a_secret_in_an_option_is_refused_and_not_repeated(harness, tmp_path, options, backend) -> None:
    code, out, err = harness("run", *ONE, "--model", f"{backend}/m", *options)
    assert (code, SECRET in out + err) == (2, False)
    assert not any(SECRET in p.read_text() for p in tmp_path.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (
            "extra_body",
            '{"max_tokens": 5, "stop_token_ids": [1], "schema": {"properties": {"password": {"type": "s"}}}}',
        ),
        ("tokenizer", "org/name"),
        ("tokens_field", "max_tokens"),
        ("skip_special_tokens", "true"),
        ("chat_template", "https://x.example/a?b=c"),
    ],
)
def test_options_that_only_sound_like_secrets_are_taken(key: str, value: str) -> None:
    trust.check_no_secret(ModelOptions(extra={key: value}))


def test_a_key_that_a_server_quotes_reaches_no_file_and_no_terminal(harness, tmp_path) -> None:
    said = f"your key {KEY} or {OTHER} or Bearer abcdefghijkl"
    body = json.dumps({"error": {"message": said}}).encode()
    for faults in (Faults(text=f"Answer: 3 {KEY}"), Faults(status=400, body=body), Faults(status=401, body=body)):
        with MockServer(faults) as server:
            named = ("--base-url", server.base_url, "--api-key-env", "OPENAI_API_KEY")
            _, out, err = harness("run", *ONE, "--model", "openai/m", *named)
            assert server.counters.requests
        written = out + err + "".join(p.read_text() for p in tmp_path.rglob("*.json*"))
        assert not [secret for secret in (KEY, OTHER, "abcdefghijkl") if secret in written]


@given(st.text(), st.text(min_size=1), st.text())
def test_masking_leaves_no_key_and_other_words_alone(before: str, key: str, after: str) -> None:
    assert not [piece for piece in trust.masked(before + key + after, key).split(trust.MASK) if key in piece]
    assert (
        trust.masked("max_tokens is 5; see https://x.example/a?b=c") == "max_tokens is 5; see https://x.example/a?b=c"
    )


# Children -----------------------------------------------------------------------------------------------------------


def test_children_get_no_key_that_is_not_theirs(monkeypatch) -> None:
    ours = {
        "HF_TOKEN": "a",
        "VLLM_API_KEY": "b",
        "CUDA_VISIBLE_DEVICES": "0",
        "NVIDIA_API_KEY": "c",
        "MY_DATABASE": "d",
    }
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    planner = trust.child_environment()
    server = trust.child_environment(trust.SERVING_NAMES, trust.SERVING_PREFIXES, ("MY_DATABASE",))
    assert planner.keys() & ours.keys() == set()
    assert server.keys() & ours.keys() == {"HF_TOKEN", "VLLM_API_KEY", "CUDA_VISIBLE_DEVICES", "MY_DATABASE"}
    for got in (planner, server):
        assert "PATH" in got
        assert not got.keys() & {"OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY"}


def test_a_planners_process_gets_no_key(tmp_path) -> None:
    from harness.pddl.planner_pool import Pool

    program = tmp_path / "worker.py"
    program.write_text(
        "import json, os\nprint(json.dumps({'ready': True}), flush=True)\n"
        "input()\nprint(json.dumps(dict(os.environ)), flush=True)\ninput()\n"
    )
    pool = Pool(1, (sys.executable, "-P", str(program)))
    try:
        environment = pool.ask({}, 60)
    finally:
        pool.close()
    assert "PATH" in environment
    assert not environment.keys() & {"OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY"}


@pytest.mark.skipif(not shutil.which("git"), reason="there is no git")
@pytest.mark.parametrize("filter_name", ["a.b", "c=d"])
def test_a_repository_that_names_programs_has_none_of_them_started(tmp_path, monkeypatch, filter_name) -> None:
    """git runs what the configuration of a repository names, and a repository may come in an archive."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    evil = f"touch '{tmp_path}/started'; cat"

    def git(*arguments: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], check=True, capture_output=True
        )

    (tmp_path / "repository").mkdir()
    monkeypatch.chdir(tmp_path / "repository")
    git("init", "-q")
    Path("file").write_text("one")
    Path(".gitattributes").write_text(f"file filter={filter_name}\n")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    clean = records._git_commit()
    filters = [f"filter.{filter_name}.{kind}" for kind in ("clean", "process")]
    for name in ("core.fsmonitor", "diff.external", *filters):
        git("config", name, evil)
    git("config", f"filter.{filter_name}.required", "true")
    Path("file").write_text("two")
    assert records._git_commit() == f"{clean}+"
    assert not (tmp_path / "started").exists()
    assert len(clean or "") == 40


NAME_A_HOST = {"azure_endpoint", "api_version"}
START_A_PROGRAM = {"command", "python", "pass_env"}


def test_every_option_of_a_server_is_known_to_be_harmless_or_not() -> None:
    """A new option that is forgotten here would keep a run that was asked with it from being resumed."""
    requests = {f.name for f in fields(openai_api.Settings)}
    assert requests - trust.HARMLESS["openai"] == NAME_A_HOST
    engine = {f.name for f in fields(vllm_launch.Settings)}
    assert engine - trust.HARMLESS["vllm"] == START_A_PROGRAM


def test_options_for_azure_go_to_azure_alone() -> None:
    for other in ({"base_url": "http://127.0.0.1:1/v1"}, {"extra": {"client": "aiohttp"}}):
        extra = {"azure_endpoint": "https://x.openai.azure.com", **other.get("extra", {})}
        with pytest.raises(UsageError, match="azure_endpoint"):
            registry.open_model("openai/m", ModelOptions(base_url=other.get("base_url"), extra=extra))


def test_a_matplotlibrc_of_the_working_directory_decides_nothing(harness, tmp_path) -> None:
    """Matplotlib reads it by itself; text.usetex would start programs."""
    assert harness("run", "--task", "aiw", "--model", "baseline/oracle", "--epochs", 1, "--display", "none")[0] == 0
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfont.size: 99\n")
    words = [Path(sys.executable).with_name("harness"), "report", *(tmp_path / "results").iterdir(), "-o", "page.html"]
    words += ["--static-png", "pictures"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
