"""The new templates: whether AWS would refuse them, or they would be deployed and not work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from portside.config.environment import Environment
from portside.emulator.client.resource_types import supported
from portside.errors import UserError
from portside.findings.check import fail, ok
from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly, TemplateFile
from portside.findings.templates.check import check
from portside.findings.templates.folder import read_folder
from portside.findings.templates.rule import is_refused, rows
from portside.preflight.context import Context, Question
from portside.synthesis.assembly import Stack

SUBJECT = "template rules"


class TemplatesRefused(UserError):
    """Templates have what AWS, or the embedded AWS, would refuse."""


def questions() -> list[Question]:
    return [Question(SUBJECT, of_context)]


def of_context(context: Context) -> list[Finding]:
    return checks_of(assembly_of(context.environment, list(context.new_templates().values())))


def of_folder(folder: Path) -> list[Finding]:
    """Check the templates of a folder. Raises `UsageError` if it can't be read."""
    return checks_of(read_folder(folder))


def checks_of(assembly: Assembly) -> list[Finding]:
    """A failed check for each finding, or one passed check."""
    found = [fail(f"template: {each.stack}", each.what, each.fix, code=each.code) for each in check(assembly)]
    templates, resources = len(assembly.files), len(assembly.resources)
    said = f"{len(rows())} rules find nothing wrong in {resources} resources of {templates} templates"
    return found or [ok(SUBJECT, said)]


def refused_by_aws(environment: Environment, stacks: Sequence[Stack]) -> list[Finding]:
    return [each for each in check(assembly_of(environment, stacks)) if is_refused(each)]


def expect_accepted(environment: Environment, stacks: Sequence[Stack]) -> None:
    """Raise `TemplatesRefused` where AWS would refuse a template, which the embedded AWS takes."""
    if found := refused_by_aws(environment, stacks):
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise TemplatesRefused(f"AWS would refuse {found[0].stack}: {found[0].what}{more}", found[0].fix)


# The replacement of each custom resource of the CDK's constructs; the last row is for all others.
_INSTEAD = {
    "Custom::S3AutoDeleteObjects": "Omit auto_delete_objects: `destroy --with-data` empties the buckets of own stacks.",
    "Custom::S3BucketNotifications": "Set notification_configuration of the CfnBucket instead of a notification.",
    "Custom::LogRetention": "Create a logs.LogGroup with its retention instead of log_retention.",
    "Custom::VpcRestrictDefaultSG": "Set restrict_default_security_group=False.",
    "": "Use a resource type of CloudFormation, or deploy this stack to AWS only.",
}
_CODE = ("Custom::", "AWS::CloudFormation::CustomResource", "AWS::Lambda::")


def expect_rehearsable(stacks: Sequence[Stack]) -> None:
    """Raise `TemplatesRefused` where a stack has resources that the embedded AWS does not have."""
    found = [
        (stack.name, str(each.get("Metadata", {}).get("aws:cdk:path", logical_id)), str(each["Type"]))
        for stack in stacks
        for logical_id, each in stack.resources().items()
        if each["Type"] not in supported()
    ]
    # A custom resource comes with the function that serves it.
    found.sort(key=lambda each: not each[2].startswith(_CODE[:2]))
    if not found:
        return
    stack, path, kind = found[0]
    construct = path.removesuffix("/Resource").removesuffix("/Default")
    why = "custom resources and functions are code" if kind.startswith(_CODE) else "the embedded AWS does not have it"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    raise TemplatesRefused(
        f"{stack}: a rehearsal can't create {kind}, which {construct} makes: {why}{more}",
        _INSTEAD.get(kind) or _INSTEAD[""],
    )


def assembly_of(environment: Environment, stacks: Sequence[Stack]) -> Assembly:
    """The graph of an environment's stacks."""
    return Assembly(
        [TemplateFile(each.name, each.template, environment.account, environment.region) for each in stacks]
    )
