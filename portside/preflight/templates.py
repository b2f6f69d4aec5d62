"""The new templates: whether AWS would refuse them, or they would be deployed and not work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from portside.config.environment import Environment
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
    """Templates have what AWS would refuse."""


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


def assembly_of(environment: Environment, stacks: Sequence[Stack]) -> Assembly:
    """The graph of an environment's stacks."""
    return Assembly(
        [TemplateFile(each.name, each.template, environment.account, environment.region) for each in stacks]
    )
