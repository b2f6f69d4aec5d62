"""Reading a folder of CloudFormation templates: a cloud assembly (`cdk.out`), or just templates, JSON or YAML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from portside.errors import UsageError
from portside.findings.templates.assembly import Assembly, TemplateFile

_ENDINGS = (".json", ".template", ".yaml", ".yml")
_STACK, _NESTED = "aws:cloudformation:stack", "cdk:cloud-assembly"


def read_folder(folder: Path) -> Assembly:
    """The templates of a folder. Raises `UsageError` if there are no templates, or one can't be read."""
    if not folder.is_dir():
        raise UsageError(f"--templates {folder}: no such folder", 'Name a folder of templates, such as "cdk.out".')
    manifest = folder / "manifest.json"
    is_assembly = manifest.is_file() and "artifacts" in _object(_json(manifest), manifest)
    found = list(_of_manifest(manifest) if is_assembly else _of_files(folder))
    if not found:
        raise UsageError(
            f"--templates {folder}: no CloudFormation template in it",
            f"A template is a file with Resources, ending in one of {', '.join(_ENDINGS)}.",
        )
    return Assembly(found)


def _of_manifest(manifest: Path) -> Iterator[TemplateFile]:
    for key, artifact in _object(_json(manifest), manifest)["artifacts"].items():
        properties = artifact.get("properties", {})
        if artifact["type"] == _NESTED:
            yield from _of_manifest(manifest.parent / properties["directoryName"] / "manifest.json")
        elif artifact["type"] == _STACK:
            _, _, place = artifact.get("environment", "").partition("://")
            account, _, region = place.partition("/")
            file = manifest.parent / properties["templateFile"]
            yield TemplateFile(
                stack=properties.get("stackName", key),
                template=_object(_json(file), file),
                account="" if account.startswith("unknown") else account,
                region="" if region.startswith("unknown") else region,
            )


def _of_files(folder: Path) -> Iterator[TemplateFile]:
    for file in sorted(each for each in folder.iterdir() if each.suffix in _ENDINGS and each.is_file()):
        template = _json(file) if file.suffix == ".json" else _json_or_yaml(file)
        if isinstance(template, Mapping) and isinstance(template.get("Resources"), Mapping):
            name = file.name.removesuffix(file.suffix).removesuffix(".template")
            yield TemplateFile(name, template, is_named=False)


def _json_or_yaml(file: Path) -> Any:
    return _json(file) if _text(file).lstrip().startswith("{") else _yaml(file)


def _json(file: Path) -> Any:
    try:
        return json.loads(_text(file))
    except ValueError as error:
        raise UsageError(f"{file}: not JSON: {error}", "Write the templates again.") from error


def _yaml(file: Path) -> Any:
    import yaml  # takes a while, and ours are JSON

    class Loader(yaml.SafeLoader):
        """YAML with CloudFormation's short forms, such as `!Ref`."""

    def shorthand(loader: Any, suffix: str, node: Any) -> Any:
        name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
        if isinstance(node, yaml.ScalarNode):
            value: Any = loader.construct_scalar(node)
            return {name: value}
        made = loader.construct_sequence if isinstance(node, yaml.SequenceNode) else loader.construct_mapping
        return {name: made(node, deep=True)}

    def as_text(loader: Any, node: Any) -> Any:
        return loader.construct_scalar(node)

    Loader.add_multi_constructor("!", shorthand)
    # A date such as a policy's version stays text.
    Loader.add_constructor("tag:yaml.org,2002:timestamp", as_text)
    try:
        return yaml.load(_text(file), Loader)  # nosec B506 # a SafeLoader
    except yaml.YAMLError as error:
        raise UsageError(f"{file}: not YAML: {error}", "Write the templates again.") from error


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: can't be read: {error}", "Make it readable.") from error


def _object(value: Any, file: Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{file}: not a JSON object", "Write the templates again.")
    return value
