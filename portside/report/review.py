"""The effects of a change of `app.py` on each environment, from the templates before and after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from portside.costs.estimate import environment_costs
from portside.errors import UserError
from portside.findings.templates.assembly import Assembly, TemplateFile
from portside.findings.templates.check import check
from portside.json_fields import JsonFields
from portside.plan.plan import NOTHING, UPDATE, compare_templates
from portside.plan.replacement import Values, losses
from portside.synthesis.variants import Made

_TASKS = frozenset({"AWS::ECS::TaskDefinition", "AWS::ECS::Service"})
# A comment of GitHub has at most 65,536 characters.
_MOST_LINES, _MOST_CHARACTERS, _MOST_ENVIRONMENTS = 60, 500, 20


@dataclass(frozen=True, kw_only=True)
class EnvironmentReview(JsonFields):
    """The effects on an environment, each in a sentence; monthly costs in dollars, None without templates."""

    environment: str
    mistakes: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    rollouts: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    stacks: tuple[str, ...] = ()
    dollars_before: float | None = None
    dollars_after: float | None = None

    @property
    def sections(self) -> Iterator[tuple[str, Sequence[str]]]:
        """The titles and sentences, the most severe first; none if nothing changes."""
        for name, title in _TITLES.items():
            if sentences := getattr(self, name):
                yield title, sentences

    @property
    def costs(self) -> str:
        """The change of the expected monthly costs."""
        if self.dollars_after is None:
            return ""
        change = self.dollars_after - (self.dollars_before or 0)
        return f"${self.dollars_after:.2f} a month expected, {change:+.2f}"


_TITLES = {
    "mistakes": "Mistakes in app.py",
    "losses": "Replaced, deleted or interrupted",
    "findings": "New findings in the templates",
    "rollouts": "New tasks, one after the other",
    "images": "Images",
    "stacks": "Stacks",
}


def review(environment: str, before: Made | None, after: Made | None) -> EnvironmentReview:
    """The effects on an environment; None where it does not exist. Without templates, only the mistakes are known."""
    made = (before or Made(), after or Made())
    if mistakes := tuple(f"{each.where}: {each.what}. {each.hint}" for each in made[1].problems):
        return EnvironmentReview(environment=environment, mistakes=mistakes)
    old, new = (each.templates for each in made)
    if after is None:
        loss = f"{environment} is no longer in app.py, and no command reaches its {len(old)} stacks: destroy it before"
        return EnvironmentReview(environment=environment, losses=(loss,))
    known = {(each.code, each.stack, each.what) for each in _findings(old)}
    findings = [
        f"{each.stack}: {each.what}. {each.fix}"
        for each in _findings(new)
        if (each.code, each.stack, each.what) not in known
    ]
    dollars = [environment_costs(of.templates.values(), of.assumptions).dollars for of in made]
    return compare(environment, old, new, findings=findings, dollars=dollars)


Templates = Mapping[str, Mapping[str, Any]]


def compare(
    environment: str, old: Templates, new: Templates, *, findings: Sequence[str], dollars: Sequence[float]
) -> EnvironmentReview:
    """The effects of new templates, with the new findings, and the monthly costs before and after."""
    return EnvironmentReview(
        environment=environment,
        losses=tuple(_losses(old, new)),
        rollouts=tuple(_rollouts(old, new)),
        images=tuple(_images(old, new)),
        findings=tuple(findings),
        stacks=tuple(_stacks(old, new)),
        dollars_before=dollars[0],
        dollars_after=dollars[1],
    )


def _resources(templates: Templates, stack: str) -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = templates.get(stack, {}).get("Resources", {})
    return found


def _findings(templates: Templates) -> Iterator[Any]:
    yield from check(Assembly([TemplateFile(name, template) for name, template in templates.items()]))


def _losses(old: Templates, new: Templates) -> Iterator[str]:
    for stack in old:
        if stack not in new:
            # A deployment leaves it, unless it is asked to delete it.
            yield f"{stack}: no longer configured; deploy --prune deletes it"
            continue
        found = losses(_resources(old, stack), _resources(new, stack), Values())
        # A resource without state or identity that others rely on is no loss.
        for each in found:
            if each.is_stateful or each.interruption:
                interruption = f"; {each.interruption}" if each.interruption else ""
                yield f"{stack} {each.logical_id}: {each.sentence}{interruption}"


def _rollouts(old: Templates, new: Templates) -> Iterator[str]:
    for stack in new:
        before, after = (
            {name: each for name, each in _resources(of, stack).items() if each["Type"] in _TASKS} for of in (old, new)
        )
        if any(each["Type"] == "AWS::ECS::Service" for each in after.values()) and before and before != after:
            yield stack


def _images(old: Templates, new: Templates) -> Iterator[str]:
    before, after = _containers(old), _containers(new)
    for name, image in after.items():
        if name not in before:
            yield f"{name}: {image}, new"
        elif image != before[name]:
            yield f"{name}: {before[name]} to {image}"


def _containers(templates: Templates) -> dict[str, str]:
    return {
        str(container["Name"]): str(container["Image"])
        for stack in templates
        for each in _resources(templates, stack).values()
        if each["Type"] == "AWS::ECS::TaskDefinition"
        for container in each["Properties"]["ContainerDefinitions"]
        if isinstance(container.get("Image"), str)
    }


def _stacks(old: Templates, new: Templates) -> Iterator[str]:
    for name, template in new.items():
        change = compare_templates(name, old.get(name), template)
        if change.action != NOTHING:
            summary = change.summary or "outputs"
            yield f"{name}: {summary if change.action == UPDATE else f'new, {summary}'}"


def read_reviews(value: object) -> list[EnvironmentReview]:
    """Reviews from JSON that is not trusted. Raises `UserError` if it is anything else.

    Texts and lists are cut to a length that fits a comment.
    """
    if not isinstance(value, list) or len(value) > _MOST_ENVIRONMENTS:
        raise _refused(f"not a list of at most {_MOST_ENVIRONMENTS} environments")
    return [_read_review(each) for each in value]


def _read_review(value: object) -> EnvironmentReview:
    if not isinstance(value, Mapping) or value.keys() != EnvironmentReview.__dataclass_fields__.keys():
        raise _refused("an environment with other fields")
    before, after = value["dollars_before"], value["dollars_after"]
    if not all(each is None or type(each) in (int, float) for each in (before, after)):
        raise _refused("costs that are no numbers")
    if not isinstance(value["environment"], str):
        raise _refused("an environment without a name")
    sentences: dict[str, Any] = {name: _read_sentences(value[name]) for name in _TITLES}
    name = value["environment"][:_MOST_CHARACTERS]
    return replace(EnvironmentReview(environment=name, dollars_before=before, dollars_after=after), **sentences)


def _read_sentences(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _refused("a section that is not a list of texts")
    more = len(value) - _MOST_LINES
    return (*(each[:_MOST_CHARACTERS] for each in value[:_MOST_LINES]), *([f"and {more} more"] if more > 0 else []))


def _refused(why: str) -> UserError:
    return UserError(f"not a review: {why}", "Make it with: review --json")
