"""Which program builds images, and what is said where none can."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from portside.errors import UserError
from portside.synthesis.image_builder import VARIABLE, builds_images, find_builder


def machine(folder: Path, **programs: str) -> dict[str, str]:
    """The variables of a machine with these programs, each with its shell script."""
    for name, script in programs.items():
        (folder / name).write_text(f'#!/bin/sh\n[ "$*" = info ] || exit 9\n{script}\n', encoding="utf-8")
        (folder / name).chmod(0o755)
    return {"PATH": str(folder)}


DOWN = "echo 'Client:' ; echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.' >&2; exit 1"


@pytest.mark.parametrize("name", ["docker", "podman", "finch"])
def test_the_machine_s_program_builds(tmp_path: Path, name: str) -> None:
    assert find_builder(machine(tmp_path, **{name: "exit 0"})) == name


def test_a_docker_whose_service_does_not_run_leaves_it_to_podman(tmp_path: Path) -> None:
    assert find_builder(machine(tmp_path, docker=DOWN, podman="exit 0")) == "podman"


def test_the_variable_of_the_cdk_decides(tmp_path: Path) -> None:
    assert find_builder(machine(tmp_path, docker="exit 0", finch="exit 0") | {VARIABLE: "finch"}) == "finch"
    with pytest.raises(UserError, match="CDK_DOCKER: there is no program nerdctl"):
        find_builder(machine(tmp_path, docker="exit 0") | {VARIABLE: "nerdctl"})
    with pytest.raises(UserError, match=r"images can't be built on this machine: podman: exit code 1"):
        find_builder(machine(tmp_path, docker="exit 0", podman="exit 1") | {VARIABLE: "podman"})


def test_without_a_program_the_sentence_names_all_three(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no program on this machine can build images: docker, podman or finch") as none:
        find_builder(machine(tmp_path))
    assert none.value.hint.startswith("Install one of them. Or publish the image")


def test_where_none_answers_each_says_why(tmp_path: Path) -> None:
    with pytest.raises(UserError) as none:
        find_builder(machine(tmp_path, docker=DOWN, finch="exit 3"))
    assert none.value.message == (
        "images can't be built on this machine: docker: Cannot connect to the Docker daemon at "
        "unix:///var/run/docker.sock.; finch: exit code 3"
    )
    assert none.value.hint.startswith("Start docker.")


def test_templates_say_whether_they_need_images_that_are_built(tmp_path: Path) -> None:
    assert not builds_images(tmp_path)
    (tmp_path / "a.assets.json").write_text(json.dumps({"files": {}}), encoding="utf-8")
    assert not builds_images(tmp_path)
    (tmp_path / "b.assets.json").write_text(json.dumps({"dockerImages": {"1": {}}}), encoding="utf-8")
    assert builds_images(tmp_path)
