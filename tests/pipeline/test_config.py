"""The options of a run: one definition for the command line, programs, the environment, files and the README."""

import json
from dataclasses import asdict, fields
from pathlib import Path

import click
import pytest

import harness
from harness.cli import cli
from harness.errors import DataError, UsageError
from harness.pipeline.config import OPTIONS, RunConfig, configure, markdown_table
from harness.types import ModelOptions, Sampling

ROOT = Path(__file__).parents[2]


def test_every_field_of_a_run_s_configuration_is_an_option() -> None:
    """What has a way of its own (names, -T, -M, -S) is not; `seed`, `stop` and `given` of a call are for the runner
    or a strategy, and `twins` is for `harness twins` to say."""
    known = {(option.part, option.name) for option in OPTIONS}
    every = {(part, f.name) for part in (RunConfig, Sampling, ModelOptions) for f in fields(part)}
    parts = {"task", "model", "task_options", "model_options", "strategy_options", "sampling", "twins"}
    own = {(RunConfig, name) for name in parts} | {(Sampling, name) for name in ("seed", "stop", "given")}
    assert known == every - own - {(ModelOptions, "extra")}


@pytest.mark.parametrize("option", OPTIONS, ids=lambda o: o.name)
def test_an_option_is_the_same_everywhere(option) -> None:
    command = cli.get_command(click.Context(cli), "run")
    shown = {p.name: p for p in command.get_params(click.Context(command))}[option.name]
    assert option.flag in shown.opts
    assert shown.default == option.default
    assert shown.envvar == option.variable
    assert option.help in markdown_table()


def test_the_readme_has_the_options_as_they_are() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.partition("<!-- run options -->\n")[2].partition("\n<!-- end -->")[0] == markdown_table()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 0}, "--limit: 0 is no limit"),
        ({"limit": 2.5}, "--limit: 2.5 is no limit"),
        ({"temperature": float("inf")}, "--temperature: inf is not"),
        ({"top_p": 0}, "--top-p: 0.0 is not above 0 and at most 1"),
        ({"cache": "yes"}, "--cache: 'yes' is not true or false"),
        ({"seed": None}, "--seed: None is not a whole number"),
        ({"max_token": 5}, "no option 'max_token'"),
    ],
)
def test_a_program_s_options_are_checked_as_the_command_line_s(options: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        harness.run("aiw", "baseline/oracle", out=tmp_path, **options)
    assert not list(tmp_path.iterdir())


def test_options_reach_their_part() -> None:
    config = configure("t", "m", {"limit": 3, "temperature": 1, "timeout": 5}, {"a": "1"}, {"b": "2"}, {"c": "3"})
    assert (config.limit, config.sampling.temperature, config.model_options.timeout) == (3, 1.0, 5.0)
    assert (config.task_options, config.model_options.extra, config.strategy_options) == (
        {"a": "1"},
        {"b": "2"},
        {"c": "3"},
    )


def test_a_configuration_comes_back_from_its_json() -> None:
    config = configure("t", "m", {"limit": 3, "max_tokens": 7}, {"a": "1"}, {}, {})
    assert RunConfig.from_json(json.loads(json.dumps(asdict(config)))) == config
    with pytest.raises(DataError, match="can't be read"):
        RunConfig.from_json({"task": "t", "model": "m", "sampling": {"heat": 1}})
