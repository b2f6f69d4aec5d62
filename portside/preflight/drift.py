"""Drift: resources that were changed by hand since the deployment."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from portside.findings.check import fail, ok
from portside.findings.finding import Finding
from portside.preflight.context import Context, NotKnown, Question, stack_names

_LONGEST_SECONDS = 300
_MOST_SHOWN = 5
_CHANGED = ("MODIFIED", "DELETED")
# A patch resolves its reference to a secret, which its drift detection does not know.
_MISJUDGED_BY_THE_EMBEDDED_AWS = ("AWS::SecretsManager::Secret",)


def questions(context: Context) -> list[Question]:
    """One question a stack: AWS takes up to minutes for each."""
    names = stack_names(context.environment, context.services)
    return [Question(f"drift of {name}", partial(drift, name)) for name in names]


def drift(name: str, context: Context) -> Finding:
    """Run CloudFormation's drift detection for a stack, and wait for the result."""
    subject = f"drift of {name}"
    state = context.states().get(name)
    if state is None:
        raise NotKnown("the stack is not deployed")
    if not (state.is_usable or state.status == "UPDATE_ROLLBACK_FAILED"):
        raise NotKnown(f"the stack is {state.status}")
    cloudformation = context.client("cloudformation")
    detection = cloudformation.detect_stack_drift(StackName=name)["StackDriftDetectionId"]
    status = _wait(cloudformation, detection, 0.1 if context.target.is_local else 3.0)
    changed = [each for each in _changed(cloudformation, name) if not _is_misjudged(context, each)]
    if changed:
        shown = [_described(each) for each in changed[:_MOST_SHOWN]]
        more = [f"and {len(changed) - _MOST_SHOWN} more"] if len(changed) > _MOST_SHOWN else []
        hint = "Undo it by hand, or write it into app.py or src/: the next deployment may leave it, undo it, or fail."
        return fail(subject, "; ".join([*shown, *more]), hint)
    if status["DetectionStatus"] == "DETECTION_FAILED":
        reason = status.get("DetectionStatusReason", "AWS does not say why")
        raise NotKnown(f"some of it could not be compared: {reason}")
    return ok(subject, "nothing was changed by hand, of what CloudFormation can compare")


def _wait(cloudformation: Any, detection: str, every_seconds: float) -> Mapping[str, Any]:
    until = time.monotonic() + _LONGEST_SECONDS
    while True:
        status: Mapping[str, Any] = cloudformation.describe_stack_drift_detection_status(
            StackDriftDetectionId=detection
        )
        if status["DetectionStatus"] != "DETECTION_IN_PROGRESS":
            return status
        if time.monotonic() > until:
            raise NotKnown(f"CloudFormation was not done with comparing after {_LONGEST_SECONDS} s")
        time.sleep(every_seconds)


def _changed(cloudformation: Any, name: str) -> Iterator[Mapping[str, Any]]:
    """botocore has no paginator for this one."""
    more: dict[str, str] = {}
    while True:
        page = cloudformation.describe_stack_resource_drifts(
            StackName=name, StackResourceDriftStatusFilters=list(_CHANGED), **more
        )
        yield from (each for each in page["StackResourceDrifts"] if each["StackResourceDriftStatus"] in _CHANGED)
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}


def _is_misjudged(context: Context, drifted: Mapping[str, Any]) -> bool:
    return context.target.is_local and drifted["ResourceType"] in _MISJUDGED_BY_THE_EMBEDDED_AWS


def _described(drifted: Mapping[str, Any]) -> str:
    """The changed properties of a resource, never their values, which may be secret."""
    resource = f"{drifted['LogicalResourceId']} ({drifted['ResourceType']})"
    if drifted["StackResourceDriftStatus"] == "DELETED":
        return f"{resource} was deleted"
    paths = [each["PropertyPath"] for each in drifted.get("PropertyDifferences", ())] or _differing(drifted)
    return f"{resource}: {', '.join(paths)}" if paths else f"{resource} was changed"


def _differing(drifted: Mapping[str, Any]) -> list[str]:
    try:
        before, after = (json.loads(drifted[key]) for key in ("ExpectedProperties", "ActualProperties"))
    except (KeyError, ValueError):
        return []
    return [f"/{key}" for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
