"""ministack is still what the fixes were written for."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from portside.emulator import resources
from portside.emulator.patches import patching
from portside.emulator.patches.patching import Patch


def _replacement(original: object) -> object:
    return original


def test_ministack_has_the_version_that_was_patched() -> None:
    assert version("ministack") == patching.MINISTACK_VERSION


def test_every_patched_function_is_as_it_was(tmp_path_factory: pytest.TempPathFactory) -> None:
    from portside.emulator.fargate.faults import Faults
    from portside.emulator.fargate.platform import Platform
    from portside.emulator.fargate.runtime import Fargate
    from portside.emulator.patches import table
    from portside.emulator.patches.api_faults import ApiFaults
    from portside.emulator.registry.catalogue import Catalogue

    folder = tmp_path_factory.mktemp("patches")
    fargate = Fargate(Platform(Catalogue(folder / "images.json"), Faults(folder / "faults.json")))
    assert patching.drift(table.all_patches(fargate, ApiFaults())) == []
    fargate.loop.close()


def test_drift_is_reported_in_one_line_that_names_the_function() -> None:
    deleted = Patch("ministack.services.ecs", "_no_such", "()", "it was wrong", _replacement)
    changed = Patch("ministack.services.ecs", "_list_tasks", "(data, more)", "it was wrong", _replacement)
    assert patching.drift([deleted, changed]) == [
        "ministack.services.ecs._no_such no longer exists (patched because it was wrong)",
        "ministack.services.ecs._list_tasks is now (data), was (data, more) (patched because it was wrong)",
    ]


def test_the_supported_types_are_ministacks_and_ours() -> None:
    supported = resources.supported()
    assert {"AWS::EC2::EIP", "AWS::EC2::VPC", "AWS::WAFv2::WebACLAssociation", "AWS::SSM::Parameter"} <= supported
    assert "AWS::No::Such" not in supported
