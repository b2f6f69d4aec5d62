from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from portside import clone_inputs
from portside.aws.target import Target
from portside.config.context_flags import PARALLEL, REREAD
from portside.errors import UserError
from portside.images.resolution import Resolution
from portside.images.synthesis_images import IMAGES_FILE
from portside.synthesis import cdk_cli, kept_templates
from tests.unit.operations_support import target
from tests.unit.stacks_support import images_of

Made = list[Mapping[str, str]]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with a configuration, and a folder for what it keeps."""
    folder = tmp_path / "clone"
    (folder / "src").mkdir(parents=True)
    (folder / "app.py").write_text("VPC_CIDR = '10.0.0.0/24'")
    (folder / "src" / "stack.py").write_text("RETAIN = True")
    monkeypatch.setattr(kept_templates, "ROOT", folder)
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path / "state"))
    return folder


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """The arguments of each synthesis, instead of making templates; each makes different ones."""
    reported: Made = []

    def make(acting: Target, flags: Mapping[str, str], variables: Mapping[str, str]) -> bool:
        reported.append(variables)
        write_assembly(acting.assembly_dir, f"template {len(reported)}")
        return True

    monkeypatch.setattr(cdk_cli, "_synthesized_by_the_app", make)
    return reported


def write_assembly(folder: Path, content: str, images: Mapping[str, Any] | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    properties = {"templateFile": "a.template.json", "stackName": "a"}
    stack = {"type": "aws:cloudformation:stack", "properties": properties}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {"a": stack}}))
    (folder / "a.template.json").write_text(json.dumps({"Description": content}))
    (folder / "a.assets.json").write_text(json.dumps({"files": {}, "dockerImages": dict(images or {})}))


def acting(**variables: str) -> Target:
    return dataclasses.replace(target({}), process_environment={"PATH": "/bin"} | variables)


def synthesized(
    where: Target | None = None,
    images: Resolution | None = None,
    context: Mapping[str, str] | None = None,
    *,
    validate: bool = True,
) -> str:
    where = where or acting()
    chosen = images or images_of("dev")
    [stack] = cdk_cli.synthesize(where, chosen, context or {}, lambda _: None, validate=validate)
    return str(stack.template["Description"])


def other_images() -> Resolution:
    images = images_of("dev")
    first, image = next(iter(images.images.items()))
    changed = dataclasses.replace(image, digest=f"sha256:{'0' * 64}")
    return dataclasses.replace(images, images={**images.images, first: changed})


def test_what_was_made_from_the_same_input_is_not_made_again(clone: Path, made: Made) -> None:
    assert [synthesized(), synthesized()] == ["template 1", "template 1"]
    assert len(made) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda clone: (clone / "app.py").write_text("VPC_CIDR = '10.0.1.0/24'"),
        lambda clone: (clone / "src" / "stack.py").write_text("RETAIN = None"),
        lambda clone: (clone / "src" / "stack.py").rename(clone / "src" / "stacks.py"),
        lambda clone: (clone / "services.yaml").write_text("read by another configuration"),
        lambda clone: (clone / ".env").write_text("ENV=dev"),
        lambda clone: (clone / "src" / "stack.py").unlink(),
    ],
    ids=["the configuration", "the same length in the code", "a name", "a new file", "settings", "a file less"],
)
def test_a_change_of_any_file_makes_others(change: Callable[[Path], Any], clone: Path, made: Made) -> None:
    synthesized()
    change(clone)
    assert synthesized() == "template 2"


def test_a_large_file_counts_by_its_content_and_not_by_size_and_time(clone: Path, made: Made) -> None:
    large = clone / "dump.archive"
    large.write_bytes(b"a" * 1_000_001)
    os.utime(large, (1, 1))
    synthesized()
    os.utime(large, (2, 2))
    assert synthesized() == "template 1"
    large.write_bytes(b"a" * 1_000_000 + b"b")
    os.utime(large, (2, 2))
    assert synthesized() == "template 2"


def test_a_file_behind_a_linked_folder_counts_and_a_loop_of_links_ends(clone: Path, made: Made) -> None:
    shared = clone.parent / "shared"
    shared.mkdir()
    (shared / "sizes.yaml").write_text("small")
    (clone / "shared").symlink_to(shared)
    (shared / "back").symlink_to(clone)
    os.mkfifo(clone / "pipe")
    synthesized()
    (shared / "sizes.yaml").write_text("large")
    assert synthesized() == "template 2"


def _kept_template(clone: Path) -> Path:
    [found] = (clone.parent / "state" / "templates").rglob("a.template.json")
    return found


def _cut(template: Path) -> None:
    template.write_text(template.read_text()[:-2])


def _change(template: Path) -> None:
    template.write_text(template.read_text().replace("1", "9"))


def _make_a_folder_of(template: Path) -> None:
    template.unlink()
    template.mkdir()


def _lay_out_as_before(template: Path) -> None:
    shutil.copytree(template.parent, template.parent.parent, dirs_exist_ok=True)
    (template.parent.parent / "digests.json").unlink()


def _make_a_file_of_all(template: Path) -> None:
    shutil.rmtree(template.parent.parent)
    template.parent.parent.write_text("")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": _cut,
    "empty": lambda template: template.write_text(""),
    "another of the same size": _change,
    "gone": Path.unlink,
    "one too many": lambda template: template.with_name("b.template.json").write_text("{}"),
    "a folder instead": _make_a_folder_of,
    "no digests": lambda template: (template.parent.parent / "digests.json").unlink(),
    "digests cut": lambda template: (template.parent.parent / "digests.json").write_text("{"),
    "of an earlier version": _lay_out_as_before,
    "a file in the place of all": _make_a_file_of_all,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_is_kept_is_checked_by_its_content_and_made_again(
    damage: Callable[[Path], object], clone: Path, made: Made
) -> None:
    synthesized()
    damage(_kept_template(clone))
    assert [synthesized(), synthesized()] == ["template 2", "template 2"]


def test_without_room_for_them_templates_are_not_kept(clone: Path, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", full)
    assert [synthesized(), synthesized()] == ["template 1", "template 2"]
    assert list((clone.parent / "state" / "templates").iterdir()) == []


def test_a_full_disk_during_the_rollback_is_an_error_of_the_command(
    clone: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, *_: object, **__: object) -> None:
        raise shutil.Error([(str(source), "there", str(OSError(errno.ENOSPC, "No space left on device")))])

    synthesized()
    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(UserError, match="the templates could not be written: No space left") as raised:
        synthesized()
    assert "Free space" in raised.value.hint


@pytest.mark.parametrize(
    "file", [".git/index", ".agora/log", "src/__pycache__/stack.pyc", "node_modules/a/package.json"]
)
def test_files_that_no_configuration_reads_make_no_new_templates(file: str, clone: Path, made: Made) -> None:
    synthesized()
    (clone / file).parent.mkdir(parents=True, exist_ok=True)
    (clone / file).write_text("changed")
    assert synthesized() == "template 1"


def test_other_images_context_and_variables_make_others(clone: Path, made: Made) -> None:
    synthesized()
    assert synthesized(images=other_images()) == "template 2"
    assert synthesized(context={PARALLEL: "true"}) == "template 3"
    assert synthesized(acting(COLOR_OF_THE_SERVICES="blue")) == "template 4"


def test_other_libraries_make_others(clone: Path, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    synthesized()
    monkeypatch.setattr(clone_inputs, "version", lambda _: "3.0.0")
    assert synthesized() == "template 2"


def test_who_acts_in_which_terminal_makes_no_others(clone: Path, made: Made) -> None:
    one = acting(AWS_SESSION_TOKEN="one", AWS_ENDPOINT_URL="http://localhost:1", COLUMNS="80")
    other = acting(AWS_SESSION_TOKEN="two", AWS_ENDPOINT_URL="http://localhost:2", COLUMNS="40")
    assert [synthesized(one), synthesized(other)] == ["template 1", "template 1"]


def test_a_rehearsal_and_aws_have_separate_templates(clone: Path, made: Made) -> None:
    synthesized()
    assert synthesized(dataclasses.replace(acting(), is_local=True)) == "template 2"


def test_stacks_that_read_their_references_again_are_made_each_time(clone: Path, made: Made) -> None:
    assert [synthesized(context={REREAD: "a"}), synthesized(context={REREAD: "a"})] == ["template 1", "template 2"]


def test_templates_that_were_not_validated_do_not_replace_validated_ones(clone: Path, made: Made) -> None:
    synthesized(validate=False)
    assert synthesized() == "template 2"
    assert [each.get(cdk_cli.VALIDATION) for each in made] == ["false", None]


def test_validated_templates_serve_where_they_need_not_be(clone: Path, made: Made) -> None:
    synthesized()
    assert synthesized(validate=False) == "template 1"


def test_anyone_who_switches_the_validation_off_keeps_no_validated_templates(clone: Path, made: Made) -> None:
    synthesized(acting(CDK_VALIDATION="false"))
    assert synthesized() == "template 2"


def test_images_built_of_a_folder_are_checked_each_time(
    clone: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(acting: Target, flags: Mapping[str, str], variables: Mapping[str, str]) -> bool:
        made.append(variables)
        write_assembly(acting.assembly_dir, f"template {len(made)}", {"abc": {"source": {"directory": "../app"}}})
        return True

    monkeypatch.setattr(cdk_cli, "_synthesized_by_the_app", make)
    assert [synthesized(), synthesized()] == ["template 1", "template 2"]


def test_what_was_made_while_a_file_changed_is_not_kept(
    clone: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = clone / "app.py"
    before = configuration.read_text()

    def make_during_an_edit(*_: object) -> bool:
        configuration.write_text("VPC_CIDR = '10.0.9.0/24'")
        write_assembly(acting().assembly_dir, "of another form")
        return True

    with monkeypatch.context() as edited:
        edited.setattr(cdk_cli, "_synthesized_by_the_app", make_during_an_edit)
        assert synthesized() == "of another form"
    configuration.write_text(before)
    assert synthesized() == "template 1"


def test_what_failed_is_not_kept(clone: Path, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise cdk_cli.CdkFailed("synth", "no")

    with monkeypatch.context() as broken:
        broken.setattr(cdk_cli, "_synthesized_by_the_app", lambda *_: False)
        broken.setattr(cdk_cli, "_run", fail)
        with pytest.raises(cdk_cli.CdkFailed):
            synthesized()
    assert synthesized() == "template 1"


def test_what_was_used_least_recently_is_deleted(clone: Path, made: Made, tmp_path: Path) -> None:
    first, second = acting(NUMBER="1"), acting(NUMBER="2")
    for where in (first, second):
        synthesized(where)
    for number, kept in enumerate(sorted((tmp_path / "state" / "templates").iterdir(), key=lambda each: each.name)):
        os.utime(kept, (number, number))
    synthesized(first)
    for number in range(3, 14):
        synthesized(acting(NUMBER=str(number)))
    assert synthesized(first) == "template 1"
    assert synthesized(second) == "template 14"
    assert len(list((tmp_path / "state" / "templates").iterdir())) == 12


def test_a_template_that_was_taken_is_apart_from_the_kept_one(clone: Path, made: Made) -> None:
    synthesized()
    [file] = acting().assembly_dir.glob("*.template.json")
    file.write_text(json.dumps({"Description": "changed by hand"}))
    assert synthesized() == "template 1"


def test_the_digest_reveals_no_variables_and_where_they_lead(clone: Path) -> None:
    one = kept_templates.digest_of({"AWS_PROFILE": "a", IMAGES_FILE: "/tmp/a"}, "", {})
    assert one == kept_templates.digest_of({"AWS_PROFILE": "b", IMAGES_FILE: "/tmp/b"}, "", {})
    assert len(one) == 64
