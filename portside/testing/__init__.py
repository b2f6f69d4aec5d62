"""The tests of an app. A file with `from portside.testing import *` in it runs them for every environment.

The app is the `app.py` in the folder of the file or above it.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import warnings
from typing import Any

import click
import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from portside.config.configuration import ROOT
from portside.errors import UserError
from portside.findings.codes import Severity
from portside.findings.templates.check import check
from portside.findings.templates.folder import read_folder
from portside.program import PROGRAM
from portside.testing import invariants
from portside.testing.synthesis import Synthesized, find_app, read_app, synthesized

__all__ = [
    "pytest_generate_tests",
    "stacks_of",
    "test_databases_are_retained_and_protected",
    "test_images_are_pinned_where_releases_run",
    "test_no_finding_is_an_error",
    "test_no_secret_is_in_a_template",
    "test_only_the_load_balancer_is_open_to_the_internet",
    "test_templates_are_those_of_the_snapshot",
]

_DATABASES = re.compile(r"\(AWS::(?:DocDB|RDS)::DB(?:Cluster|Instance)\): its .*Policy keeps nothing")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test of this module for every environment of the app."""
    if "stacks_of" not in metafunc.fixturenames:
        return
    app = find_app(metafunc.module.__file__)
    try:
        names = list(read_app(app).environments)
    except UserError as error:
        pytest.fail(f"{app}:\n{error}", pytrace=False)
    metafunc.parametrize("stacks_of", [(app, name) for name in names], ids=names, indirect=True, scope="module")


@pytest.fixture(scope="module")
def stacks_of(request: pytest.FixtureRequest) -> Synthesized:
    """The stacks of an environment."""
    return synthesized(*request.param)


def test_no_finding_is_an_error(stacks_of: Synthesized) -> None:
    """AWS would take the templates, and what they make would work."""
    found = check(read_folder(stacks_of.folder))
    for finding in found:
        if finding.severity is not Severity.ERROR:
            warnings.warn(f"{finding.stack}: {finding.what}", stacklevel=1)
    _expect_none([f"{each.stack}: {each.what}\n  {each.fix}" for each in found if each.severity is Severity.ERROR])


def test_only_the_load_balancer_is_open_to_the_internet(stacks_of: Synthesized) -> None:
    _expect_none(invariants.open_to_the_internet(stacks_of.templates))


def test_databases_are_retained_and_protected(stacks_of: Synthesized) -> None:
    """In production nothing stateful can be deleted by mistake; elsewhere a database outlives its stack."""
    found = invariants.deletable_state(stacks_of.templates, stacks_of.protected_stacks)
    _expect_none([each for each in found if stacks_of.environment.is_production or _DATABASES.search(each)])


def test_images_are_pinned_where_releases_run(stacks_of: Synthesized) -> None:
    if stacks_of.environment.is_released:
        for problem in stacks_of.configuration.warnings:
            if f'"{stacks_of.environment}"' in problem.where:
                warnings.warn(f"{problem.where}: {problem.what}", stacklevel=1)
        if stacks_of.unlocked:
            warnings.warn(f"no lock of a release has {', '.join(stacks_of.unlocked)}", stacklevel=1)
        _expect_none(invariants.mutable_images(stacks_of.templates))


def test_no_secret_is_in_a_template(stacks_of: Synthesized) -> None:
    _expect_none(invariants.plain_secrets(stacks_of.templates))


def test_templates_are_those_of_the_snapshot(
    stacks_of: Synthesized, snapshot: SnapshotAssertion, request: pytest.FixtureRequest
) -> None:
    """The first environment as a whole, the others by how they differ from it."""
    first = next(iter(stacks_of.configuration.environments))
    name = stacks_of.environment.name
    if name == first:
        compared: dict[str, Any] = {key: _comparable(each, stacks_of) for key, each in stacks_of.templates.items()}
        reviewed = snapshot.use_extension(JSONSnapshotExtension)
    else:
        whole = synthesized(stacks_of.app, first)
        compared = {name: "".join(difflib.unified_diff(_lines(whole), _lines(stacks_of), first, name))}
        reviewed = snapshot.use_extension(_Differences)
    found: list[str] = []
    for key, value in sorted(compared.items()):
        if value == reviewed(name=key):
            continue
        if [*reviewed.executions.values()][-1].recalled_data is None:
            found += [f"{key}: has no snapshot"]
        else:
            found += [f"{key}:", *map(click.unstyle, reviewed.get_assert_diff())]
    if found:
        runner = f"{PROGRAM} test" if stacks_of.app.parent == ROOT else "pytest"
        command = f"{runner} {os.path.relpath(request.path)} --snapshot-update"
        pytest.fail("\n".join([*found, f"If this is intended: {command}"]), pytrace=False)


class _Differences(SingleFileSnapshotExtension):
    file_extension = "diff"
    _write_mode = WriteMode.TEXT


def _lines(stacks: Synthesized) -> list[str]:
    """All templates of an environment line by line, without its own name and account."""
    own = {stacks.environment.name: "ENVIRONMENT", stacks.environment.account: "ACCOUNT"}
    text = json.dumps(_comparable(stacks.templates, stacks), indent=1, sort_keys=True)
    return re.sub(r"\b(" + "|".join(own) + r")\b", lambda match: own[match[1]], f"{text}\n").splitlines(keepends=True)


def _comparable(template: Any, stacks: Synthesized) -> Any:
    """The template without what follows from the images, so that a release changes no snapshot."""
    names: dict[str, str] = {}
    for image in stacks.images.images.values():
        names |= {f"{image.name}:{image.tag}": f"{image.name}:TAG", image.reference: f"{image.name}@DIGEST"}
        names |= {image.tag: "TAG", image.digest: "DIGEST", image.commit or "": "COMMIT"}
        names |= {image.short_commit or "": "SHORT COMMIT"}

    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: named(each) for key, each in value.items()}
        if isinstance(value, list):
            return [named(each) for each in value]
        return names.get(value, value) if isinstance(value, str) and value else value

    return named(template)


def _expect_none(violations: list[str]) -> None:
    if violations:
        pytest.fail("\n".join(violations), pytrace=False)
