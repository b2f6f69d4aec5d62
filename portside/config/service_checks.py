"""Checks of the fields of a service, one for each field."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any

from portside.config.deferred_values import DatabaseSecret, LateValue, StackOutput, as_written, is_token, parts_of
from portside.config.mistakes import Report, kind_of, quoted
from portside.config.task_size import FARGATE_SIZES, LARGEST_MEMORY_MIB
from portside.config.text_checks import foreign_letter, refused
from portside.redact import holds_credential, looks_secret

Check = Callable[[Any, Report], None]

# Also the name of the port and the endpoint in Service Connect, which allows fewer characters: the endpoint is
# a host name: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceConnectClientAlias.html
_CONTAINER_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?")
_ENVIRONMENT_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
# https://docs.aws.amazon.com/secretsmanager/latest/APIReference/API_CreateSecret.html
_SECRET_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
_MISTAKEN_FOR_ARN = re.compile(r"-.{6}$")
_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9*?]+")
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
_STACK_END = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")
_USER = re.compile(r"[a-z_][a-z0-9_-]*(?::[a-z_][a-z0-9_-]*)?|[0-9]{1,10}(?::[0-9]{1,10})?")
_HTTP_PATH = re.compile(r"/[!-~]{0,1023}")
# The kernel's file systems.
_KERNEL_FOLDERS = ("/proc", "/sys", "/dev")
_SYSTEM_FOLDERS = (
    *_KERNEL_FOLDERS,
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/usr",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/etc",
)
# https://github.com/aws/aws-cdk/issues/38225
_MOST_VARIABLES = 100
_SHELL_OPERATORS = frozenset(("||", "&&", "|", ";"))
_SHELL_OPTIONS = frozenset(("-c", "-ec", "-lc", "-e"))
_NO_CHANGES = "no !r, no slices, no upper()"
_LATE_VALUE_IN_TEXT = re.compile(r"(?:Database(?:Host|Port|Name|User|Secret)|Image(?:Version|Commit)|StackOutput)\(")


def between(low: int, high: int, hint: str = "") -> Check:
    """A check for a whole number from `low` to `high`."""

    def check(value: object, report: Report) -> None:
        report.integer(value, low, high, hint or f"Use a whole number from {low} to {high}, without quotes.")

    return check


def flag(value: object, report: Report) -> None:
    report.flag(value)


def entries(kind: type) -> Check:
    """A check for a list of entries of a class."""

    def check(value: Any, report: Report) -> None:
        name = kind.__name__
        if not isinstance(value, list | tuple):
            report.wrong(f"not a list, got {kind_of(value)}", f"Use a list in square brackets: [{name}(…)].")
            return
        for index, item in enumerate(value):
            if not isinstance(item, kind):
                report.at(f"[{index}]").wrong(f"not a {name}, got {kind_of(item)}", f"Use {name}(…).")

    return check


def container_name(value: Any, report: Report) -> None:
    hint = 'Use up to 63 lowercase letters, digits and hyphens, such as "my-app-api".'
    if not report.text(value, hint) or is_token(value):
        return
    if not _CONTAINER_NAME.fullmatch(value):
        report.wrong("not a valid name in ECS and Service Connect", hint, value)
    elif value == "database":
        report.wrong("reserved: in calls it is the environment's database", "Use another name.", value)


port = between(1, 65535, "Use the TCP port as a number, such as 8080.")
# The minimum is 6 MiB: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
memory_reservation = between(6, LARGEST_MEMORY_MIB, "Use the memory in MiB, such as 1024 for one GiB.")
memory = between(512, LARGEST_MEMORY_MIB, "Use the task's memory in MiB, such as 2048.")
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
tasks = between(1, 5000, "Use 1 to 5000, the number of tasks.")
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html
volume_size = between(1, 200, "Use the size in GiB, from 1 to 200.")


def environment_variables(value: Any, report: Report) -> None:
    if not isinstance(value, Mapping):
        report.wrong(f"not a mapping, got {kind_of(value)}", 'Use {"NAME": "value"}.')
        return
    if len(value) > _MOST_VARIABLES:
        hint = "Combine variables, or use a file of the image."
        report.wrong(f"more than {_MOST_VARIABLES}: CloudFormation can lose all of them", hint, len(value))
    for key, text in value.items():
        place = report.at(f"[{quoted(key)}]")
        environment_key(key, place)
        if isinstance(text, str):
            _variable_text(str(key), text, place)
        elif not isinstance(text, LateValue):
            _not_a_text(str(key), text, place)


def _variable_text(key: str, text: str, report: Report) -> None:
    if is_token(text):
        return
    if found := refused(text):
        report.wrong(*found)
        return
    if looks_secret(key, as_written(text)):
        report.wrong(
            "looks like a secret, and everyone who can read the task definition can read it",
            f"Store it in Secrets Manager, and add ServiceSecret(secret_name=…, environment_key={quoted(key)}).",
        )
        return
    try:
        parts = parts_of(text)
    except ValueError:
        report.wrong(
            "contains a changed form of a value that is only known after a deployment",
            f'Insert it as it is, such as f"my-app@{{ImageVersion()}}+{{ImageCommit()}}": {_NO_CHANGES}.',
            text,
        )
        return
    if any(isinstance(part, DatabaseSecret) for part in parts):
        report.wrong(
            "a secret can't be part of a text: everyone who can read the task definition can read it",
            f"Move it to container_secrets: ServiceSecret(DatabaseSecret(…), {quoted(key)}).",
        )
    elif _LATE_VALUE_IN_TEXT.search(text):
        report.wrong(
            "a value that is only known after a deployment, as text instead of Python code",
            f'Insert it as it is, such as f"my-app@{{ImageVersion()}}": {_NO_CHANGES}.',
            text,
        )


def _not_a_text(key: str, value: object, report: Report) -> None:
    mistake = f"not a text, got {kind_of(value)}"
    if isinstance(value, int | float) and not looks_secret(key, str(value)):
        text = str(value).lower() if isinstance(value, bool) else str(value)
        report.wrong("not a text", f'Use "{text}", in quotes.', value)
    elif isinstance(value, DatabaseSecret):
        report.wrong(mistake, f"Move it to container_secrets: ServiceSecret(DatabaseSecret(…), {quoted(key)}).")
    elif isinstance(value, type) and issubclass(value, LateValue):
        fields = '"storage", "BucketName"' if value is StackOutput else ""
        report.wrong("a class, not a value", f"Use {value.__name__}({fields}).")
    else:
        report.wrong(mistake, 'Use a text in quotes, which can be empty: "".')


def environment_key(value: Any, report: Report) -> None:
    hint = "Use letters, digits and underscores, such as MONGODB_HOST."
    if report.text(value, hint) and not is_token(value) and not _ENVIRONMENT_KEY.fullmatch(value):
        odd = foreign_letter(value)
        report.wrong(f"not a valid name of an environment variable{f': {odd}' if odd else ''}", hint, value)


def secret_variable(value: Any, report: Report) -> None:
    if isinstance(value, str) and "/" in value:
        mistake = "the name of a secret, not of an environment variable"
        report.wrong(mistake, "The secret's name comes first: ServiceSecret(secret_name, environment_key).", value)
    else:
        environment_key(value, report)


def is_secret_name(text: str) -> bool:
    """Whether Secrets Manager accepts this as a name."""
    return bool(_SECRET_NAME.fullmatch(text))


def secret_name(value: Any, report: Report) -> None:
    if isinstance(value, StackOutput):
        return
    if isinstance(value, DatabaseSecret):
        if value.key != "password":
            mistake = "the database's secret only contains the password"
            report.wrong(mistake, 'Use DatabaseSecret("password").', value.key)
        return
    hint = 'Use the name of the secret in Secrets Manager, such as "my-app/dev/token".'
    if not report.text(value, hint) or is_token(value):
        return
    if holds_credential(value):
        report.wrong("a secret, not the name of a secret", hint)
    elif value.startswith("arn:"):
        report.wrong("an ARN, not a name", hint, value)
    elif ":" in value:
        hint = "Use only the name: ServiceSecret(secret_name, environment_key, json_field)."
        report.wrong("contains a colon, which in ECS precedes the field of a JSON secret", hint, value)
    elif len(value) > 512:
        report.wrong("longer than 512 characters, the limit of Secrets Manager", "Use a shorter name.", value)
    elif not _SECRET_NAME.fullmatch(value):
        report.wrong("contains characters that Secrets Manager rejects", "Use only letters, digits and /_+=.@-", value)
    elif _MISTAKEN_FOR_ARN.search(value):
        report.wrong(
            "ends with a hyphen and six characters, like the end of an ARN",
            "Rename the secret, for example with a longer last word.",
            value,
        )


def json_field(value: Any, report: Report) -> None:
    hint = "Use the name of a field of the secret's JSON object."
    if report.text(value, hint) and not is_token(value) and ":" in value:
        report.wrong("contains a colon, which in ECS ends the name of a field", hint, value)


def mount_path(value: Any, report: Report) -> None:
    hint = 'Use an absolute path inside the container, such as "/data".'
    if not report.text(value, hint) or is_token(value):
        return
    if not value.startswith("/") or not value.isprintable() or ":" in value or ".." in value.split("/"):
        report.wrong("not an absolute path", hint, value)
    elif not value.strip("/."):
        report.wrong("the container's root, which can't be a volume", hint, value)
    elif _hides_system(value):
        report.wrong("a folder of the system, which a volume would hide", hint, value)


def _hides_system(path: str) -> bool:
    normal = posixpath.normpath(path)
    return normal in _SYSTEM_FOLDERS or normal.startswith(tuple(f"{each}/" for each in _KERNEL_FOLDERS))


def command(value: Any, report: Report) -> None:
    if not isinstance(value, list | tuple):
        report.wrong(f"not a list, got {kind_of(value)}", 'Use a list of texts: ["node", "server.js"].')
        return
    if not value:
        report.wrong("empty", "Remove it to run the command of the image.", value)
    for index, word in enumerate(value):
        place = report.at(f"[{index}]")
        if not isinstance(word, str):
            place.wrong("not a text", "Put each word of the command in quotes.", word)
        elif not is_token(word) and holds_credential(word):
            place.wrong("looks like a secret", "Pass it in container_secrets.")
    if len(value) == 1 and isinstance(value[0], str) and not is_token(value[0]) and " " in value[0].strip():
        words = ", ".join(map(quoted, value[0].split()))
        report.wrong("one word with spaces, which would be the name of a program", f"Use [{words}].", value)


def health_command(value: Any, report: Report) -> None:
    hint = 'Use ["CMD-SHELL", "curl -f http://localhost:8080/health || exit 1"], or ["CMD", "program", "argument"].'
    if not report.sequence(value, hint) or (len(value) == 1 and is_token(value[0])):
        return
    for index, word in enumerate(value):
        if not isinstance(word, str):
            report.at(f"[{index}]").wrong("not a text", hint, word)
    if not value or value[0] not in ("CMD", "CMD-SHELL"):
        report.wrong("does not begin with CMD or CMD-SHELL", hint, value)
    elif value[0] == "CMD-SHELL" and len(value) != 2:
        report.wrong("CMD-SHELL must have one text", hint, value)
    elif len(value) < 2 or not value[1]:
        report.wrong("has no program", hint, value)
    elif value[0] == "CMD" and not _SHELL_OPTIONS.intersection(value) and _SHELL_OPERATORS.intersection(value):
        operator = next(word for word in value if word in _SHELL_OPERATORS)
        report.wrong(f"{operator} needs a shell, and CMD starts the program without one", hint, value)
    elif value[0] == "CMD" and isinstance(value[1], str) and not is_token(value[1]) and " " in value[1].strip():
        report.wrong("CMD needs the program and each argument as separate texts", hint, value)


def healthcheck(ours: type) -> Check:
    """A check for our `HealthCheck`, or aws_cdk.aws_ecs.HealthCheck, recognized by its name without loading the CDK."""

    def check(value: object, report: Report) -> None:
        theirs = "aws_cdk.aws_ecs.HealthCheck" in [f"{each.__module__}.{each.__name__}" for each in type(value).__mro__]
        if not isinstance(value, ours) and not theirs:
            origin = f" of {type(value).__module__}" if type(value).__name__ == "HealthCheck" else ""
            mistake = f"not a HealthCheck of a container, got {kind_of(value)}{origin}"
            report.wrong(mistake, "Use HealthCheck(command=[…]), or aws_cdk.aws_ecs.HealthCheck(…).")

    return check


def cpu(value: Any, report: Report) -> None:
    hint = f"Use one of {', '.join(map(str, FARGATE_SIZES))}; 1024 is one vCPU."
    is_number = report.integer(value, min(FARGATE_SIZES), max(FARGATE_SIZES), hint)
    if is_number and not is_token(value) and value not in FARGATE_SIZES:
        report.wrong("not a size of Fargate", hint, value)


def callee(value: Any, report: Report) -> None:
    report.text(value, "Use the container_name of the called service, DATABASE, or the name of an own stack.")


def own_stack(value: Any, report: Report) -> None:
    report.text(value, 'Use the end of the name of an own stack, such as "storage".')


def stack_end(value: Any, report: Report) -> None:
    hint = 'Use the end of the name of the running stack, such as "app" of "my-app-dev-app".'
    if report.text(value, hint) and not is_token(value) and not _STACK_END.fullmatch(value):
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
        report.wrong("not a valid name of a CloudFormation stack", hint, value)


def offered_name(attribute: str, example: str) -> Check:
    """A check for a name in an attribute of an own stack."""

    def check(value: Any, report: Report) -> None:
        report.text(value, f"Use a name in the {attribute} of the own stack, such as {quoted(example)}.")

    return check


def actions(value: Any, report: Report) -> None:
    hint = 'Use a list such as ["s3:GetObject"].'
    if report.sequence(value, hint) and not value:
        report.wrong("empty", hint, value)
    for index, action in enumerate(value if isinstance(value, list | tuple) else ()):
        place = report.at(f"[{index}]")
        if isinstance(action, str) and is_token(action):
            continue
        if action == "*" or (isinstance(action, str) and action.endswith(":*")):
            place.wrong("all actions, which a task does not need", "Name the actions.", action)
        elif not isinstance(action, str) or not _ACTION.fullmatch(action):
            place.wrong("not an IAM action", 'For example: "s3:GetObject".', action)


def resources(value: Any, report: Report) -> None:
    hint = 'Use a list such as ["arn:aws:s3:::bucket/*"].'
    if report.sequence(value, hint) and not value:
        report.wrong("empty", hint, value)
    for index, resource in enumerate(value if isinstance(value, list | tuple) else ()):
        if not isinstance(resource, str) or not (is_token(resource) or resource == "*" or resource.startswith("arn:")):
            report.at(f"[{index}]").wrong("not an ARN", 'For example: "arn:aws:s3:::bucket/*".', resource)


def reason(value: Any, report: Report) -> None:
    if value != "":
        report.text(value, "Use a sentence that a reviewer would accept.")


def user(value: Any, report: Report) -> None:
    hint = 'Use a name or number, with or without a group: "node", "1000:1000".'
    if not report.text(value, hint) or is_token(value):
        return
    if not _USER.fullmatch(value):
        report.wrong("not a valid user in ECS", hint, value)
    elif value.partition(":")[0] in ("root", "0"):
        report.wrong("containers should not run as root", "Use another user, or remove it.", value)


def http_path(value: Any, report: Report) -> None:
    hint = 'Use a path such as "/health".'
    if report.text(value, hint) and not is_token(value) and not _HTTP_PATH.fullmatch(value):
        report.wrong("not a path of at most 1024 characters that begins with /", hint, value)
