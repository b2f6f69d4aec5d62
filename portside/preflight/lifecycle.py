"""The lifecycle policies of ECR repositories: whether one can delete an image that runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from portside.aws.errors import code_of
from portside.config.image_reference import EcrRepository, ecr_repository, parse_reference
from portside.findings.check import fail, ok, skip
from portside.findings.finding import Finding
from portside.preflight.context import Context, Question


def questions(context: Context) -> list[Question]:
    """One check for each repository, where releases run: an image that moves with each push is not kept anyway."""
    if not context.environment.is_released or context.target.is_local:
        return []
    tags: dict[EcrRepository, set[str]] = {}
    for props in context.services:
        repository, reference = ecr_repository(props.container_location), parse_reference(props.container_location)
        if repository and reference:
            tags.setdefault(repository, set()).add(reference.tag or str(reference.digest))
    return [Question(_subject(each), partial(_policy, each, frozenset(of))) for each, of in tags.items()]


def _subject(repository: EcrRepository) -> str:
    return f"lifecycle policy: {repository.name}"


def _policy(repository: EcrRepository, tags: frozenset[str], context: Context) -> Finding:
    """Whether the policy expires an image that runs, if the repository is in the environment's account and region."""
    from botocore.exceptions import ClientError

    subject, environment = _subject(repository), context.environment
    if (repository.account, repository.region) != (environment.account, environment.region):
        return skip(subject, f"the repository is in account {repository.account}, region {repository.region}")
    try:
        found = context.client("ecr").get_lifecycle_policy(repositoryName=repository.name)
    except ClientError as error:
        if code_of(error) == "LifecyclePolicyNotFoundException":
            return ok(subject, "without a policy no image expires")
        raise
    expiring = rules_for(json.loads(found["lifecyclePolicyText"]), tags)
    if not expiring:
        return ok(subject, f"it expires no image tagged {', '.join(sorted(tags))}")
    return fail(
        subject,
        f"rule {', '.join(map(str, expiring))} can expire an image that runs: new tasks could not start",
        "Limit it to untagged images, or to tags that are never deployed (tagPrefixList, tagPatternList).",
    )


def rules_for(policy: Mapping[str, Any], tags: Iterable[str]) -> list[int]:
    """The priorities of the rules that expire images with these tags.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
    """
    return [
        int(rule["rulePriority"]) for rule in policy["rules"] if any(_selects(rule["selection"], tag) for tag in tags)
    ]


def _selects(selection: Mapping[str, Any], tag: str) -> bool:
    patterns = [*selection.get("tagPatternList", ()), *(f"{each}*" for each in selection.get("tagPrefixList", ()))]
    if selection["tagStatus"] == "tagged":
        return any(fnmatchcase(tag, each) for each in patterns)
    return bool(selection["tagStatus"] == "any")
