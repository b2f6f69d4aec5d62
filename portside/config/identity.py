"""The identity of an app, `APP` in `app.py`, and how the names of its stacks begin."""

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

APP_HINT = 'Write APP = "my-app": up to 32 small letters, digits and single hyphens. All names in AWS begin with it.'


@dataclass(frozen=True)
class Identity:
    """An app, and `stack_prefix` with `{environment}` where the environment's name goes."""

    app: str
    stack_prefix: str

    @property
    def title(self) -> str:
        """The app's name in headings: `Model Ad` for `model-ad`."""
        return self.app.replace("-", " ").title()

    def stack_prefix_in(self, environment: str) -> str:
        """How the names of an environment's stacks begin, without the hyphen that follows."""
        return self.stack_prefix.replace(_PLACE, environment)


def short_name(app: str, container_name: str) -> str:
    """The name of a service as people use it, and as its stack's name ends: `api` of `my-app-api`."""
    return container_name.removeprefix(f"{app}-")


def parse_identity(app: object, stack_prefix: object, app_report: Report, prefix_report: Report) -> Identity | None:
    """The identity, None where the app's name is wrong. Without a prefix it is `APP-{environment}`."""
    if not isinstance(app, str) or not _APP.fullmatch(app) or len(app) > _MAX_LENGTH:
        app_report.wrong("not the name of an app", APP_HINT, app)
        return None
    if stack_prefix is None:
        return Identity(app, f"{app}-{_PLACE}")
    if (
        not isinstance(stack_prefix, str)
        or stack_prefix.count(_PLACE) != 1
        or not _PREFIX.fullmatch(stack_prefix.replace(_PLACE, "x"))
        or stack_prefix.endswith("-")
    ):
        hint = f'Write how the names of the stacks that run begin, such as "{app}-{_PLACE}".'
        prefix_report.wrong("not the beginning of the names of stacks", hint, stack_prefix)
        return None
    return Identity(app, stack_prefix)
