"""Templates for estimates, made in a separate process."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from portside.config import configuration
from portside.errors import ConfigurationError, UserError
from portside.repository import PACKAGE_FOLDER
from portside.stacks import synthesize_variants as child
from portside.synthesis.variants import Source, Variant, commit, environments_of, synthesize_variants, working_tree
from tests.apps import HELLO


def test_templates_need_no_images_and_a_mistake_is_reported_for_its_variant_only() -> None:
    source = Source(HELLO / "app.py")
    assert environments_of(source) == ["dev"]
    [plain, wrong, small] = synthesize_variants(
        source, [Variant("dev"), Variant("dev", {"NAT_GATEWAYS": 7}), Variant("dev", {}, {"cpu": 512})]
    )
    assert "AWS::EC2::NatGateway" in str(plain.templates["hello-dev-network"])
    [problem] = wrong.problems
    assert (problem.where, problem.what) == ('ENVIRONMENTS["dev"]["NAT_GATEWAYS"]', "not from 1 to 2, got 7")
    with pytest.raises(ConfigurationError, match="not from 1 to 2"):
        wrong.expect_valid()
    [definition] = [
        each["Properties"]
        for template in small.expect_valid().templates.values()
        for each in template["Resources"].values()
        if each["Type"] == "AWS::ECS::TaskDefinition"
    ]
    assert definition["Cpu"] == "512"


def test_the_code_of_the_source_makes_them_and_what_stops_it_is_reported(tmp_path: Path) -> None:
    module = tmp_path.joinpath(*child.__name__.split(".")).with_suffix(".py")
    module.parent.mkdir(parents=True)
    for each in (module.parent, module.parent.parent):
        (each / "__init__.py").write_text("")
    module.write_text("import sys\nsys.exit(3)\n")
    with pytest.raises(UserError, match="the templates could not be made: exit status 3"):
        synthesize_variants(Source(HELLO / "app.py", package=tmp_path), [Variant("dev")])


def git(folder: Path, *arguments: str) -> None:
    options = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *options, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("portside.synthesis.variants.ROOT", tmp_path)
    monkeypatch.setattr(configuration, "APP_FOLDER", tmp_path)
    git(tmp_path, "init", "-q")
    (tmp_path / "README").write_text("empty")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "empty")
    git(tmp_path, "tag", "empty")
    (tmp_path / "app.py").write_text((HELLO / "app.py").read_text())
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def test_a_commit_is_read_as_it_was_and_without_own_code_with_the_present_one(clone: Path) -> None:
    (clone / "app.py").write_text("changed since")
    assert working_tree().app_file == clone / "app.py"
    with commit("HEAD") as source:
        assert source.package == PACKAGE_FOLDER
        assert source.app_file.read_text() == (HELLO / "app.py").read_text()
        assert not source.app_file.is_relative_to(clone)


def test_a_commit_with_code_for_it_is_made_with_its_own_code(clone: Path) -> None:
    module = clone.joinpath(*child.__name__.split("."))
    module.parent.mkdir(parents=True)
    module.with_suffix(".py").write_text("")
    git(clone, "add", ".")
    git(clone, "commit", "-qm", "code")
    with commit("HEAD") as source:
        assert source.package == source.app_file.parent


@pytest.mark.parametrize(
    ("ref", "message"), [("nowhere", "nowhere: this clone has no such commit"), ("empty", "that commit has no app.py")]
)
@pytest.mark.usefixtures("clone")
def test_a_ref_without_an_app_is_refused(ref: str, message: str) -> None:
    with pytest.raises(UserError, match=message), commit(ref):
        pass


@pytest.mark.usefixtures("clone")
def test_a_ref_is_no_option_of_git() -> None:
    with pytest.raises(UserError, match="--output=x: this clone has no such commit"), commit("--output=x"):
        pass
