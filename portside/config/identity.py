"""The name of an app, `APP` in `app.py`, and the prefix of the names of its stacks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from portside.config.mistakes import Report

# A stack's name has up to 128 characters, of letters, digits and hyphens; the identity is also part of log groups' and
# topics' names. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-using-console-create-stack-parameters.html
_APP = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_MAX_LENGTH = 32
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_PLACE = "{environment}"

APP_HINT = 'Use APP = "my-app": up to 32 lowercase letters, digits and single hyphens. All names in AWS begin with it.'


@dataclass(frozen=True)
class Identity:
    """An app, and a `stack_prefix` with the placeholder `{environment}`."""

    app: str
    stack_prefix: str

    @property
    def title(self) -> str:
        """The app's name in headings: `Model Ad` for `model-ad`."""
        return self.app.replace("-", " ").title()

    def stack_prefix_in(self, environment: str) -> str:
        """The prefix of an environment's stacks, without the hyphen after it."""
        return self.stack_prefix.replace(_PLACE, environment)


def short_name(app: str, container_name: str) -> str:
    """The short name of a service, with which its stack's name ends: `api` for `my-app-api`."""
    return container_name.removeprefix(f"{app}-")


def parse_identity(app: object, stack_prefix: object, app_report: Report, prefix_report: Report) -> Identity | None:
    """The identity, or None if it is not valid. The default prefix is `APP-{environment}`."""
    if not isinstance(app, str) or not _APP.fullmatch(app) or len(app) > _MAX_LENGTH:
        app_report.wrong("not a valid name of an app", APP_HINT, app)
        return None
    if stack_prefix is None:
        return Identity(app, f"{app}-{_PLACE}")
    if (
        not isinstance(stack_prefix, str)
        or stack_prefix.count(_PLACE) != 1
        or not _PREFIX.fullmatch(stack_prefix.replace(_PLACE, "x"))
        or stack_prefix.endswith("-")
    ):
        hint = f'Use the prefix of the running stacks, such as "{app}-{_PLACE}".'
        prefix_report.wrong("not a valid prefix of stack names", hint, stack_prefix)
        return None
    return Identity(app, stack_prefix)
