"""Departures from good practice that somebody has thought about."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import IConstruct

_PACK = "AwsSolutions"


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept what a rule of cdk-nag finds on a construct or on what it is made of.

    A rule is `AwsSolutions-EC23`, or with one finding of it `AwsSolutions-IAM5[Resource::*]`. The reason stands in the
    report of the validation.
    """
    # Without the pack's name the finding is silenced and leaves no record.
    cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=f"{_PACK}::{rule}", reason=reason))
