"""The roles of the CDK's bootstrap stack, with which its command line deploys."""

from __future__ import annotations

from portside.config.environment import Environment

# https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
QUALIFIER = "hnb659fds"


def bootstrap_role(environment: Environment, name: str) -> str:
    """The ARN of a role by its name, such as `deploy` or `cfn-exec`."""
    account, region = environment.account, environment.region
    return f"arn:aws:iam::{account}:role/cdk-{QUALIFIER}-{name}-role-{account}-{region}"
