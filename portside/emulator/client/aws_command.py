"""`aws SERVICE OPERATION --option value`, for the embedded AWS: one call, as the AWS CLI would make it.

The fixes that a rehearsal prints work without an installed AWS CLI, see docs/decisions.md. Any endpoint but 127.0.0.1
is refused, so that it can't reach a real account.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jmespath
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError, UnknownServiceError, WaiterError
from botocore.session import get_session

from portside.program import PROGRAM

# https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-returncodes.html
FAILED, USAGE, REFUSED = 255, 252, 254
_WITH_VALUE = frozenset({"region", "query", "output", "endpoint-url", "profile"})
_IGNORED = frozenset({"no-cli-pager", "no-paginate"})
_NOT_HERE = f'Use your own AWS CLI for that, after: eval "$({PROGRAM} local env ENV)"'


class UsageProblem(Exception):
    """The command line is invalid."""


def main(arguments: Sequence[str]) -> int:
    """Make the call, print its answer, and return the exit code that the AWS CLI would have."""
    try:
        print_answer(*call(list(arguments), os.environ))
    except UsageProblem as problem:
        return _report(str(problem), USAGE)
    except ClientError as error:
        return _report(str(error), REFUSED)
    except (BotoCoreError, WaiterError, OSError) as error:
        return _report(str(error), FAILED)
    return 0


def call(words: list[str], environment: Mapping[str, str]) -> tuple[Any, str]:
    """The answer to a command line, after `--query`, and the requested output format: json or text."""
    endpoint = local_endpoint(environment)
    general, words = general_options(words)
    if len(words) < 2:
        raise UsageProblem("usage: aws SERVICE OPERATION [--option value]…")
    if general.get("endpoint-url", endpoint) != endpoint or "profile" in general:
        raise UsageProblem("in a rehearsal every call goes to the embedded AWS: omit --endpoint-url and --profile")
    if (output := general.get("output", "json")) not in ("json", "text"):
        raise UsageProblem(f"--output {output} is not available here, only json and text. {_NOT_HERE}")
    session, service, operation = get_session(), words[0], words[1]
    try:
        model = session.get_service_model(service)
    except UnknownServiceError:
        raise UsageProblem(f"no service {service!r} here. {_NOT_HERE}") from None
    region = general.get("region") or environment.get("AWS_REGION")
    client = session.create_client(service, region_name=region, endpoint_url=endpoint)
    if operation == "wait":
        _wait(client, words[2:])
        return None, "json"
    names = {_dashed(name): name for name in model.operation_names}
    if operation not in names:
        raise UsageProblem(f"{service} has no operation {operation!r} here. {_NOT_HERE}")
    parameters = parsed(model.operation_model(names[operation]).input_shape, words[2:])
    method = xform_name(names[operation])
    if client.can_paginate(method):
        answer: Any = client.get_paginator(method).paginate(**parameters).build_full_result()
    else:
        answer = getattr(client, method)(**parameters)
        answer.pop("ResponseMetadata", None)
    return (jmespath.search(general["query"], answer) if "query" in general else answer), output


def local_endpoint(environment: Mapping[str, str]) -> str:
    """The embedded AWS's address. Raises `UsageProblem` for any other."""
    endpoint = environment.get("AWS_ENDPOINT_URL", "")
    if urllib.parse.urlsplit(endpoint).hostname != "127.0.0.1":
        raise UsageProblem(f"this works with the embedded AWS only: {PROGRAM} local env ENV -- aws …")
    return endpoint


def general_options(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The options that every command of the AWS CLI has, and the rest."""
    general: dict[str, str] = {}
    rest: list[str] = []
    remaining = iter(words)
    for word in remaining:
        name, equals, value = word.removeprefix("--").partition("=")
        if word.startswith("--") and name in _WITH_VALUE:
            general[name] = value if equals else next(remaining, "")
        elif not (word.startswith("--") and name in _IGNORED):
            rest.append(word)
    return general, rest


def parsed(shape: Any, words: Sequence[str]) -> dict[str, Any]:
    """The parameters of the operation, from the options."""
    members = {_dashed(name): (name, member) for name, member in (shape.members if shape else {}).items()}
    found: dict[str, Any] = {}
    for option, values in _grouped(words):
        if option not in members and option.startswith("no-") and option[3:] in members:
            found[members[option[3:]][0]] = False
            continue
        if option not in members:
            raise UsageProblem(f"unknown option --{option}; there are {', '.join(f'--{each}' for each in members)}")
        name, member = members[option]
        found[name] = _value(option, member, values)
    missing = [_dashed(name) for name in (shape.required_members if shape else ()) if name not in found]
    # botocore fills in idempotency tokens.
    missing = [each for each in missing if not members[each][1].metadata.get("idempotencyToken")]
    if missing:
        raise UsageProblem(f"these options are required: {', '.join(f'--{each}' for each in missing)}")
    return found


def print_answer(answer: Any, output: str) -> None:
    """Print the answer as the AWS CLI does."""
    if answer in (None, {}, ""):
        if output == "text" and answer is None:
            print("None")
        return
    if output == "json":
        print(json.dumps(answer, indent=4, ensure_ascii=False, default=_readable))
        return
    for line in _text(answer):
        print(line)


def _grouped(words: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    option, values = "", list[str]()
    for word in words:
        if word.startswith("--"):
            if option:
                yield option, values
            option, equals, value = word.removeprefix("--").partition("=")
            values = [value] if equals else []
        elif not option:
            raise UsageProblem(f"an option must come before {word!r}")
        else:
            values.append(word)
    if option:
        yield option, values


def _value(option: str, shape: Any, values: list[str]) -> Any:
    kind = shape.type_name
    if kind == "boolean":
        return values[:1] != ["false"]
    if not values:
        raise UsageProblem(f"--{option} needs a value")
    if kind == "list":
        if len(values) == 1 and values[0].lstrip().startswith("["):
            return _json(option, values[0])
        return [_single(option, shape.member, each) for each in values]
    if len(values) > 1:
        raise UsageProblem(f"--{option} takes one value, got {len(values)}")
    return _single(option, shape, values[0])


def _single(option: str, shape: Any, text: str) -> Any:
    text = _contents(option, text)
    match shape.type_name:
        case "integer" | "long":
            return int(text) if text.lstrip("-").isdigit() else _wrong(option, "a whole number", text)
        case "float" | "double":
            try:
                return float(text)
            except ValueError:
                return _wrong(option, "a number", text)
        case "structure" | "map":
            return _json(option, text) if text.lstrip().startswith("{") else _shorthand(option, shape, text)
        case "blob":
            return text.encode()
        case _:
            return text


def _shorthand(option: str, shape: Any, text: str) -> dict[str, Any]:
    """`Name=subnet-id,Values=a,b`: https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-shorthand.html"""
    collected: dict[str, list[str]] = {}
    last = ""
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if equals:
            last, collected[key] = key, [value]
        elif last:
            collected[last].append(part)
        else:
            raise UsageProblem(f"--{option}: write Key=value,… or JSON")
    if shape.type_name == "map":
        return {key: ",".join(values) for key, values in collected.items()}
    unknown = sorted(set(collected) - set(shape.members))
    if unknown:
        raise UsageProblem(f"--{option}: unknown {', '.join(unknown)}; there are {', '.join(shape.members)}")
    return {key: _value(f"{option} {key}", shape.members[key], values) for key, values in collected.items()}


def _contents(option: str, text: str) -> str:
    for scheme in ("file://", "fileb://"):
        if text.startswith(scheme):
            try:
                return Path(text.removeprefix(scheme)).expanduser().read_text(encoding="utf-8")
            except (OSError, ValueError) as error:
                raise UsageProblem(f"--{option}: {text} can't be read: {error}") from error
    return text


def _json(option: str, text: str) -> Any:
    try:
        return json.loads(_contents(option, text))
    except ValueError as error:
        raise UsageProblem(f"--{option}: not JSON: {error}") from error


def _wrong(option: str, expected: str, text: str) -> Any:
    raise UsageProblem(f"--{option}: {expected} is required, got {text!r}")


def _wait(client: Any, words: Sequence[str]) -> None:
    names = {name.replace("_", "-"): name for name in client.waiter_names}
    if not words or words[0] not in names:
        raise UsageProblem(f"no such waiter; there are {', '.join(names)}")
    waiter = client.get_waiter(names[words[0]])
    waiter.wait(**parsed(client.meta.service_model.operation_model(waiter.config.operation).input_shape, words[1:]))


def _dashed(name: str) -> str:
    return str(xform_name(name, "-"))


def _text(answer: Any) -> Iterator[str]:
    if isinstance(answer, dict):
        yield "\t".join(_cell(value) for _, value in sorted(answer.items()))
    elif isinstance(answer, list) and any(isinstance(each, list | dict) for each in answer):
        for each in answer:
            yield from _text(each)
    elif isinstance(answer, list):
        yield "\t".join(map(_cell, answer))
    else:
        yield _cell(answer)


def _cell(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, default=_readable)
    return str(_readable(value))


def _readable(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value if isinstance(value, str | int) else str(value)


def _report(text: str, code: int) -> int:
    print(f"aws: {text}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
