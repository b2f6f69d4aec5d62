from __future__ import annotations

import dataclasses
import filecmp
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from portside.aws.target import Target
from portside.config.configuration import ROOT
from portside.config.context_flags import DESTROYING, PARALLEL, REHEARSAL, REREAD, WITH_DATA
from portside.images.resolution import Resolution, read_resolution
from portside.images.synthesis_images import IMAGES_FILE, KEPT_FOLDER, keep
from portside.stacks import synthesize as entry
from portside.stacks.callees_first import CalleesFirst
from portside.synthesis import cdk_cli
from tests.apps import SYNTHESIZE_AGORA
from tests.stubs import stubs
from tests.unit.operations_support import target
from tests.unit.stacks_support import (
    ENVIRONMENTS,
    assembly,
    configuration,
    configuration_with,
    environment,
    images_of,
    read_templates,
    synthesize,
    templates,
)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def dependencies(folder: Path) -> dict[str, set[str]]:
    artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"]
    return {
        name: {each for each in artifact.get("dependencies", []) if not each.endswith(".assets")}
        for name, artifact in artifacts.items()
        if artifact["type"] == "aws:cloudformation:stack"
    }


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_part_of_an_environment_has_its_stack(name: str) -> None:
    parts = [
        "network",
        environment(name).database_stack,
        "ecs",
        "load-balancer",
        "api",
        "api-next",
        "api-docs",
        "app",
        "apex",
        "monitoring",
    ]
    if environment(name).bastion:
        parts.append("bastion")
    assert set(templates(name)) == {f"agora-{name}-{part}" for part in parts}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_stacks_name_their_account_and_region_and_prods_are_protected_from_termination(name: str) -> None:
    artifacts = json.loads((assembly(name) / "manifest.json").read_text())["artifacts"]
    stacks = {key: each for key, each in artifacts.items() if each["type"] == "aws:cloudformation:stack"}
    assert {each["environment"] for each in stacks.values()} == {
        f"aws://{environment(name).account}/{environment(name).region}"
    }
    protected = {key for key, each in stacks.items() if each["properties"].get("terminationProtection")}
    assert protected == (set(stacks) if name == "prod" else set())


def test_synthesis_asks_aws_for_nothing() -> None:
    assert "missing" not in json.loads((assembly("dev") / "manifest.json").read_text())


def test_synthesizing_twice_gives_the_same_bytes() -> None:
    assert files_of(synthesize(configuration(), "dev")) == files_of(assembly("dev"))


def before(name: str, found: Mapping[str, set[str]]) -> set[str]:
    return found[name].union(*(before(each, found) for each in found[name]))


def test_by_hand_callees_are_deployed_before_their_callers() -> None:
    found = dependencies(assembly("dev"))
    for props in configuration().services_of("dev"):
        for call in props.calls:
            if call.service != "database":
                caller, callee = (
                    f"agora-dev-{each.removeprefix('agora-')}" for each in (props.container_name, call.service)
                )
                assert callee in before(caller, found)
    # The API is deployed before the app.
    services = {f"agora-dev-{each}" for each in ("api", "api-next", "api-docs", "app", "apex")}
    assert found["agora-dev-apex"] & services == {f"agora-dev-{each}" for each in ("api-next", "api-docs", "app")}


def test_the_number_of_paths_between_services_does_not_matter(tmp_path: Path) -> None:
    # In 30 layers of three, each of which calls the three of the layer before, there are 3 ** 29 paths.
    layers = [[f"s{layer}-{number}" for number in range(3)] for layer in range(30)]
    calls = {
        name: layers[layer - 1] if layer else [] for layer in reversed(range(len(layers))) for name in layers[layer]
    }
    app = cdk.App(outdir=str(tmp_path))
    stacks = {name: cdk.Stack(app, name) for name in reversed(calls)}
    values = [cdk.CfnWaitConditionHandle(stack, "Handle").ref for stack in stacks.values()]
    cdk.CfnOutput(cdk.Stack(app, "monitoring"), "All", value="".join(values))
    app.node.add_validation(CalleesFirst(calls, stacks))
    app.synth()
    found = dependencies(tmp_path)
    assert found.pop("monitoring") == set(stacks)
    assert found == {name: set(called) for name, called in calls.items()}


@pytest.mark.parametrize("flag", [True, "true"])
def test_deployed_in_parallel_no_service_waits_for_another(flag: object) -> None:
    found = dependencies(synthesize(configuration(), "dev", {PARALLEL: flag}))
    services = {
        f"agora-dev-{props.container_name.removeprefix('agora-')}" for props in configuration().services_of("dev")
    }
    assert all(not found[service] & services for service in services)


def test_deploying_in_parallel_changes_no_template() -> None:
    folder = synthesize(configuration(), "dev", {PARALLEL: True})
    for path in assembly("dev").glob("*.template.json"):
        assert filecmp.cmp(path, folder / path.name, shallow=False)


def run_app(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "CDK_OUTDIR": str(tmp_path), "CDK_VALIDATION": "false", "ENV": "", IMAGES_FILE: ""}
    environ |= variables
    return subprocess.run(
        [sys.executable, "-c", SYNTHESIZE_AGORA],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.slow
def test_plain_python_makes_the_templates_that_the_command_line_makes(tmp_path: Path) -> None:
    # As the CDK's command line calls it: cdk.json's context in a variable.
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    keep(images_of("dev"), tmp_path / "kept" / "dev.json")
    kept = {KEPT_FOLDER: str(tmp_path / "kept")}
    handed_over = run_app(tmp_path / "cli", ENV="dev", CDK_CONTEXT_JSON=json.dumps(context), **kept)
    plain = run_app(tmp_path / "plain", ENV="dev", **kept)
    assert (plain.returncode, handed_over.returncode) == (0, 0), plain.stderr + handed_over.stderr
    assert files_of(tmp_path / "cli") == files_of(tmp_path / "plain") == files_of(assembly("dev"))


def test_the_assembly_names_no_folder_of_the_machine_that_made_it() -> None:
    assert not [name for name, content in files_of(assembly("dev")).items() if b"jsii-kernel" in content]


@pytest.mark.parametrize(("name", "said"), [("", "dev, stage, prod"), ("pord", "prod")])
def test_an_environment_that_does_not_exist_is_reported_in_a_sentence(
    name: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENV", name)
    with pytest.raises(SystemExit) as left:
        entry.main()
    assert left.value.code == 2
    assert said in capsys.readouterr().err


NO_SOCKETS = """
import socket

def refuse(*arguments, **keywords):
    raise AssertionError("a socket was opened")

socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = refuse
socket.getaddrinfo = socket.create_connection = refuse
"""


@pytest.mark.slow
def test_stage_is_synthesized_from_its_lock_without_any_network(tmp_path: Path) -> None:
    guard = tmp_path / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(NO_SOCKETS)
    kept = {"PYTHONPATH": str(guard), KEPT_FOLDER: str(tmp_path / "kept")}
    # The guard itself works: dev has nothing kept and would have to ask.
    refused = run_app(tmp_path / "dev", ENV="dev", **kept)
    assert refused.returncode
    assert "a socket was opened" in refused.stderr
    done = run_app(tmp_path / "stage", ENV="stage", **kept)
    assert done.returncode == 0, done.stderr
    assert files_of(tmp_path / "stage") == files_of(assembly("stage"))


def synthesized_by_hand(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, chosen: Resolution | str | None
) -> dict[str, Any]:
    """The templates that `cdk synth` makes in this process, with images that a command has chosen."""
    path = chosen if isinstance(chosen, str) else str(tmp_path / "chosen.json")
    if isinstance(chosen, Resolution):
        keep(chosen, Path(path))
    for variable, value in {
        "ENV": name,
        IMAGES_FILE: path if chosen else "",
        "CDK_OUTDIR": str(tmp_path / "out"),
    }.items():
        monkeypatch.setenv(variable, value)
    entry.main()
    return read_templates(tmp_path / "out")


def test_images_that_a_command_has_chosen_are_those_of_the_templates_whatever_version_the_configuration_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pinned = environment("stage").ghcr_package_version
    references = [reference.replace(pinned, "4.1.0") for reference in images_of("stage").images]
    earlier = stubs("4.1.0", references)
    found = synthesized_by_hand(monkeypatch, tmp_path, "stage", earlier)
    image = earlier.images["ghcr.io/sage-bionetworks/agora-app:4.1.0"]
    assert image.reference in json.dumps(found["agora-stage-app"])
    assert found["agora-stage-app"]["Outputs"]["Image"]["Value"].endswith("agora-app:4.1.0")
    assert pinned not in json.dumps(found)
    assert capsys.readouterr().err == ""


def test_a_command_hands_its_images_to_the_synthesis_in_a_file_next_to_the_templates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    acting, images = target({}, environment="stage"), images_of("stage")
    handed_over: list[Resolution | None] = []

    def run(acting: Target, flags: Mapping[str, str], variables: Mapping[str, str]) -> bool:
        handed_over.append(read_resolution(Path(variables[IMAGES_FILE])))
        shutil.copytree(assembly("stage"), acting.assembly_dir)
        return True

    monkeypatch.setattr(cdk_cli, "_synthesized_by_the_app", run)
    stacks = cdk_cli.synthesize(acting, images, {}, lambda _: None)
    assert handed_over == [images]
    assert {stack.name for stack in stacks} == set(templates("stage"))


def test_what_the_app_cannot_make_alone_is_explained_by_the_command_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    acting = dataclasses.replace(
        target({}, environment="stage", is_local=True), process_environment={"PATH": "/nowhere"}
    )
    asked: list[Sequence[str]] = []

    def run(acting: Target, arguments: Sequence[str], on_line: Any, *, variables: Mapping[str, str]) -> None:
        asked.append(arguments)
        raise cdk_cli.CdkFailed(arguments[0], "ERROR CidrBlock: 17 is not of type 'string'")

    monkeypatch.setattr(cdk_cli, "_run", run)
    with pytest.raises(cdk_cli.CdkFailed, match="cdk synth failed"):
        cdk_cli.synthesize(acting, images_of("stage"), {"portside:side-by-side": "true"}, lambda _: None)
    [arguments] = asked
    assert arguments[0] == "synth"
    assert "portside:side-by-side=true" in arguments


def test_a_lock_of_stubs_is_reported_to_anyone_who_synthesizes_by_hand(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        entry, "images_for_synthesis", lambda *_: dataclasses.replace(images_of("stage"), stand_in=True)
    )
    assert synthesized_by_hand(monkeypatch, tmp_path, "stage", None) == templates("stage")
    assert f"./agora release pin {environment('stage').ghcr_package_version}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"), [(None, "AGORA_IMAGES: no such file"), ("{", "not JSON"), ('{"images": {}}', '["version"]')]
)
def test_chosen_images_that_cannot_be_read_are_reported_and_no_others_are_taken(
    content: str | None, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "images.json"
    if content:
        path.write_text(content)
    with pytest.raises(SystemExit) as left:
        synthesized_by_hand(monkeypatch, tmp_path, "stage", str(path))
    assert left.value.code == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_version_without_a_lock_is_reported_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        entry, "load_configuration", lambda **_: configuration_with("stage", ghcr_package_version="9.9.9")
    )
    with pytest.raises(SystemExit) as left:
        synthesized_by_hand(monkeypatch, tmp_path, "stage", None)
    assert left.value.code == 2
    assert "Make it: ./agora release pin 9.9.9" in capsys.readouterr().err


def test_a_stack_that_is_to_read_its_references_again_gets_something_that_changes_nothing() -> None:
    reread = read_templates(synthesize(configuration(), "dev", {REREAD: "agora-dev-app,agora-dev-apex"}))
    for name, template in reread.items():
        added = {
            key: each for key, each in template["Resources"].items() if key not in templates("dev")[name]["Resources"]
        }
        kinds = [each["Type"] for each in added.values()]
        expected = ["AWS::CloudFormation::WaitConditionHandle"] if name in ("agora-dev-app", "agora-dev-apex") else []
        assert kinds == expected, name


def test_while_an_environment_is_destroyed_nothing_protects_it_but_the_data_stays() -> None:
    folder = synthesize(configuration(), "prod", {DESTROYING: "true"})
    artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"]
    assert not any(each.get("properties", {}).get("terminationProtection") for each in artifacts.values())
    found = read_templates(folder)
    assert found["agora-prod-docdb-v8"] == templates("prod")["agora-prod-docdb-v8"]
    assert load_balancer_attributes(found)["deletion_protection.enabled"] == "false"
    assert load_balancer_attributes(templates("prod"))["deletion_protection.enabled"] == "true"


def test_with_its_data_every_resource_is_deleted_with_its_stack() -> None:
    found = read_templates(synthesize(configuration(), "dev", {DESTROYING: "true", WITH_DATA: "true"}))
    database = found["agora-dev-docdb-v8"]["Resources"]
    assert database["DocDbClusterB46CF5D3"]["Properties"]["DeletionProtection"] is False
    assert {each.get("DeletionPolicy", "Delete") for each in database.values()} == {"Delete"}


def load_balancer_attributes(found: Mapping[str, Any]) -> dict[str, str]:
    attributes = found["agora-prod-load-balancer"]["Resources"]["AppLoadBalancer0268F95E"]["Properties"]
    return {each["Key"]: each["Value"] for each in attributes["LoadBalancerAttributes"]}


@pytest.mark.parametrize(("context", "image"), [({REHEARSAL: "true"}, "not-built.invalid/docker-app:stub")])
def test_in_a_rehearsal_an_image_that_would_be_built_has_a_stub(context: dict[str, str], image: str) -> None:
    built = dataclasses.replace(configuration().services_of("dev")[0], container_location="path://docker/app")
    services = {**configuration().services, "dev": (built, *configuration().services_of("dev")[1:])}
    found = read_templates(synthesize(dataclasses.replace(configuration(), services=services), "dev", context))
    assert image in json.dumps(found["agora-dev-api"])
