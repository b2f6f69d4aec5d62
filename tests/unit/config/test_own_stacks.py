from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from portside.config.configuration import Configuration, load_configuration
from portside.config.own_stacks import OwnStack
from portside.config.stacks import StackKind, stacks_of
from portside.errors import ConfigurationError
from tests.unit.configuration_support import ENVIRONMENT, SERVICE

APP = f"""
from src.service_props import ServiceProps

APP = "shop"
ENVIRONMENTS = {{"dev": {ENVIRONMENT!r}}}


def services(environment):
    return [ServiceProps(**{SERVICE!r}, public=True)]
"""
STACKS = """
def stacks(app, environment, platform):
    raise AssertionError("only the process with the CDK runs it")
"""
BUCKET = ("AWS::S3::Bucket",)
STORAGE = {"part": "storage", "outputs": ["BucketName"], "retained": ["AWS::S3::Bucket"]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path / "state"))
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "app.py").write_text(APP)
    return folder


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The commands of the processes that describe stacks, each of which answers with `STORAGE`."""
    commands: list[Any] = []

    def run(command: Any, **_: Any) -> Any:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, json.dumps({"stacks": {"dev": [STORAGE]}, "problems": []}), "")

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def loaded(folder: Path, **keywords: Any) -> Configuration:
    return load_configuration(folder / "app.py", **keywords)


def names(configuration: Configuration) -> list[str]:
    return [each.part for each in stacks_of(configuration, "dev")]


def test_a_configuration_without_own_stacks_starts_no_process(folder: Path, runs: list[Any]) -> None:
    assert loaded(folder).environment("dev").own_stacks == ()
    assert loaded(folder).stacks is None
    assert runs == []


@pytest.mark.parametrize("file", ["app.py", "stacks.py"])
def test_own_stacks_are_listed_before_the_services_that_use_them(folder: Path, runs: list[Any], file: str) -> None:
    with (folder / file).open("a") as written:
        written.write(STACKS)
    configuration = loaded(folder)
    assert configuration.environment("dev").own_stacks == (
        OwnStack("storage", outputs=("BucketName",), retained=("AWS::S3::Bucket",)),
    )
    listed = names(configuration)
    assert listed.index("load-balancer") + 1 == listed.index("storage") == listed.index("app") - 1
    [stack] = [each for each in stacks_of(configuration, "dev") if each.kind is StackKind.OWN]
    assert (stack.name, stack.retained, stack.outlives_its_environment) == (
        "shop-dev-storage",
        ("AWS::S3::Bucket",),
        True,
    )


def test_the_function_is_run_once_for_the_same_files(folder: Path, runs: list[Any]) -> None:
    (folder / "stacks.py").write_text(STACKS)
    assert names(loaded(folder)) == names(loaded(folder))
    assert len(runs) == 1
    (folder / "plans.json").write_text("{}")
    loaded(folder)
    assert len(runs) == 2, "the function can read it"


@pytest.mark.parametrize(("variable", "count"), [("ENV", 1), ("CDK_OUTDIR", 1), ("AWS_PROFILE", 1), ("PLAN", 2)])
def test_variables_that_the_function_can_depend_on_count(
    folder: Path, runs: list[Any], monkeypatch: pytest.MonkeyPatch, variable: str, count: int
) -> None:
    (folder / "stacks.py").write_text(STACKS)
    loaded(folder)
    monkeypatch.setenv(variable, "stage")
    loaded(folder)
    assert len(runs) == count


def test_no_more_than_twelve_answers_are_kept(folder: Path, runs: list[Any], tmp_path: Path) -> None:
    for number in range(14):
        (folder / "stacks.py").write_text(f"{STACKS}\n# {number}")
        loaded(folder)
    assert len(list((tmp_path / "state" / "own-stacks").iterdir())) == 12


def test_a_state_folder_that_can_not_be_written_only_costs_time(folder: Path, runs: list[Any], tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    (folder / "stacks.py").write_text(STACKS)
    assert "storage" in names(loaded(folder))


def test_own_stacks_of_another_commit_are_unknown(folder: Path, runs: list[Any]) -> None:
    (folder / "stacks.py").write_text(STACKS)
    configuration = loaded(folder, root=folder)
    assert configuration.environment("dev").own_stacks is None
    assert "storage" not in names(configuration)
    assert runs == []


@pytest.mark.parametrize(
    ("output", "error", "said"),
    [
        (
            json.dumps({"stacks": {}, "problems": [["stacks(…)", "Storage: wrong", "Do it right."]]}),
            "",
            "stacks(…): Storage: wrong\nDo it right.",
        ),
        ("", "node: not found\n\n", "stacks: could not be run: node: not found\nTry it: ENV=<environment> cdk synth"),
        ("", "", "stacks: could not be run: exit status 1\nTry it: ENV=<environment> cdk synth"),
    ],
)
def test_mistakes_are_reported_with_those_in_services(
    folder: Path, monkeypatch: pytest.MonkeyPatch, output: str, error: str, said: str
) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1, output, error))
    (folder / "stacks.py").write_text(STACKS)
    (folder / "app.py").write_text(APP.replace("public=True", "public=True, spot_weight=-1"))
    with pytest.raises(ConfigurationError) as refusal:
        loaded(folder)
    assert said in str(refusal.value)
    assert "spot_weight" in str(refusal.value)


def test_a_service_can_not_have_the_name_of_an_own_stack(folder: Path, runs: list[Any]) -> None:
    (folder / "stacks.py").write_text(STACKS)
    (folder / "app.py").write_text(APP.replace("'app'", "'shop-storage'"))
    with pytest.raises(ConfigurationError, match="its stack would have the same name as that of another stack"):
        loaded(folder)


@pytest.mark.slow
def test_the_process_with_the_cdk_answers_for_each_environment(folder: Path) -> None:
    stacks = """
import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

def stacks(app, environment):
    print("reading")
    stack = cdk.Stack(app, environment.stack_name("storage"))
    cdk.CfnOutput(stack, "BucketName", value=s3.Bucket(stack, "Bucket").bucket_name)
"""
    (folder / "stacks.py").write_text(stacks)
    assert loaded(folder).environment("dev").own_stacks == (
        OwnStack("storage", outputs=("BucketName",), retained=BUCKET),
    )
    (folder / "stacks.py").write_text(stacks.replace("environment.stack_name", ""))
    with pytest.raises(ConfigurationError, match=r"stacks\(…\): Stack: a stack outside this environment"):
        loaded(folder)
    (folder / "stacks.py").write_text("import missing_module")
    with pytest.raises(ConfigurationError, match=r"stacks\.py, line 1: ModuleNotFoundError"):
        loaded(folder)
    (folder / "stacks.py").write_text("class Storage: ...")
    with pytest.raises(ConfigurationError, match=r"stacks\.py: stacks is missing"):
        loaded(folder)


def test_the_file_is_not_run_without_the_process(folder: Path, runs: list[Any]) -> None:
    (folder / "stacks.py").write_text("raise AssertionError")
    assert "storage" in names(loaded(folder))
