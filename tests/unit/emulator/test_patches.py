"""ministack is still what the fixes were written for."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import portside.emulator
from portside.emulator import resources
from portside.emulator.client import resource_types
from portside.emulator.patches import patching
from portside.emulator.patches.patching import Patch
from tests.cfn_lint_data import providers


def _replacement(original: object, data: object) -> object:
    return original


def _of_any(original: object, *_: object) -> object:
    return original


def _of_first(original: object, cluster_name: object, **_: object) -> object:
    return original


def test_ministack_has_the_version_that_was_patched() -> None:
    assert version("ministack") == patching.MINISTACK_VERSION


def test_every_patched_function_is_as_it_was() -> None:
    from portside.emulator.patches import table

    assert patching.drift(table.all_patches()) == []


def test_every_module_with_patches_is_in_the_table() -> None:
    from portside.emulator.patches import table

    folder = Path(portside.emulator.__path__[0])
    declaring = {path.stem for path in folder.rglob("*.py") if "\n@replaces(" in path.read_text()}
    assert declaring == {name.rpartition(".")[2] for name in table.MODULES}


def test_a_resource_type_does_not_repeat_its_schema() -> None:
    from portside.emulator.resources import schemas

    repeated = {each.name: set(each.replacing) & set(schemas.replacing(each.name)) for each in resources.all_types()}
    assert {name: found for name, found in repeated.items() if found} == {}


def test_drift_is_reported_in_one_line_that_names_the_function() -> None:
    ecs = "services.ecs"
    patches = [
        Patch(f"{ecs}._no_such", _replacement),
        Patch(f"{ecs}._list_tasks", _replacement),
        Patch(f"{ecs}._reconcile_service_tasks", _replacement),
        Patch(f"{ecs}._reconcile_service_tasks", _of_any),
        Patch(f"{ecs}._reconcile_service_tasks", _of_first),
        Patch(f"{ecs}._list_tasks", _of_first),
    ]
    assert patching.drift(patches) == [
        "ministack.services.ecs._no_such no longer exists",
        "ministack.services.ecs._reconcile_service_tasks is now (cluster_name, svc_key)",
        "ministack.services.ecs._list_tasks is now (data)",
    ]


def test_every_supported_type_is_created_and_deleted_by_ministack_or_by_us() -> None:
    handlers = import_module("ministack.services.cloudformation.provisioners")._RESOURCE_HANDLERS
    ours = {each.name: each for each in resources.all_types()}
    for kind in resource_types.supported():
        known = handlers.get(kind, {})
        own = ours.get(kind)
        assert known.get("create") or (own and own.create), kind
        assert known.get("delete") or (own and own.delete), kind


def test_the_supported_types_are_those_of_cloudformation() -> None:
    assert resource_types.supported() - {"AWS::CDK::Metadata"} <= providers().keys()
    assert "AWS::Lambda::Function" not in resource_types.supported()
