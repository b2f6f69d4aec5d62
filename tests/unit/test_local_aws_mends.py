"""ministack is still what the mends were written for."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from local_aws import mending, resource_types
from local_aws.mending import Patch


def _replacement(original: object) -> object:
    return original


def test_ministack_has_the_version_that_was_mended() -> None:
    assert version("ministack") == mending.MINISTACK_VERSION


def test_every_mended_function_is_as_it_was(tmp_path_factory: pytest.TempPathFactory) -> None:
    from local_aws import mends
    from local_aws.api_faults import ApiFaults
    from local_aws.catalogue import Catalogue
    from local_aws.fargate.platform import Platform
    from local_aws.fargate.runtime import Fargate
    from local_aws.faults import Faults

    folder = tmp_path_factory.mktemp("mends")
    fargate = Fargate(Platform(Catalogue(folder / "images.json"), Faults(folder / "faults.json")))
    assert mending.drift(mends.all_mends(fargate, ApiFaults())) == []
    fargate.loop.close()


def test_drift_is_told_in_one_line_that_names_the_function() -> None:
    gone = Patch("ministack.services.ecs", "_no_such", "()", "it was wrong", _replacement)
    changed = Patch("ministack.services.ecs", "_list_tasks", "(data, more)", "it was wrong", _replacement)
    assert mending.drift([gone, changed]) == [
        "ministack.services.ecs._no_such is gone (mended because it was wrong)",
        "ministack.services.ecs._list_tasks is now (data), was (data, more) (mended because it was wrong)",
    ]


def test_the_supported_types_are_ministacks_and_ours() -> None:
    supported = resource_types.supported()
    assert {"AWS::EC2::EIP", "AWS::EC2::VPC", "AWS::WAFv2::WebACLAssociation", "AWS::SSM::Parameter"} <= supported
    assert "AWS::No::Such" not in supported
