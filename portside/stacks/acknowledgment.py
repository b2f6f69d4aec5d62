"""Accepted findings of cdk-nag and of the CDK's own validation."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from constructs import IConstruct

_PACK = "AwsSolutions"
# The rules that the CDK applies at each synthesis.
OF_THE_CDK = "CloudFormation-Validate"


def acknowledge(construct: IConstruct, rule: str, reason: str, *, pack: str = _PACK) -> None:
    """Accept the findings of a rule of cdk-nag on a construct and its children.

    A rule is `AwsSolutions-EC23`, or with one finding of it `AwsSolutions-IAM5[Resource::*]`. The reason is in the
    report of the validation.
    """
    acknowledge_all(construct, {rule: reason}, pack=pack)


def acknowledge_all(construct: IConstruct, reasons: Mapping[str, str], *, pack: str = _PACK) -> None:
    """Accept the findings of several rules, each with its reason, as `acknowledge` does."""
    # Without the pack's name the finding is not in the report.
    cdk.Validations.of(construct).acknowledge(
        *(cdk.Acknowledgment(id=f"{pack}::{rule}", reason=reason) for rule, reason in reasons.items())
    )
