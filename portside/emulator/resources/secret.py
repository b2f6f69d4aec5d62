"""AWS::SecretsManager::Secret: `Ref` is the ARN, which ends in six random characters; values as asked for."""

from __future__ import annotations

import json
import secrets as randomness
import string
from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import provisioners, secretsmanager
from portside.emulator.resources import Change, Created, ResourceType, again
from portside.emulator.resources.failure import ResourceFailed

ALPHANUMERIC = string.ascii_letters + string.digits


def generated_value(properties: Mapping[str, Any]) -> str:
    """The declared or generated value; ministack ignores most options of GenerateSecretString."""
    options = properties.get("GenerateSecretString")
    if properties.get("SecretString") or not options:
        return str(properties.get("SecretString") or "")
    password = _password(options)
    if not options.get("SecretStringTemplate"):
        return password
    return json.dumps(json.loads(options["SecretStringTemplate"]) | {options["GenerateStringKey"]: password})


def _password(options: Mapping[str, Any]) -> str:
    def is_included(name: str) -> bool:
        return str(options.get(name, False)).lower() != "true"

    kinds = [
        characters
        for name, characters in (
            ("ExcludeLowercase", string.ascii_lowercase),
            ("ExcludeUppercase", string.ascii_uppercase),
            ("ExcludeNumbers", string.digits),
            ("ExcludePunctuation", string.punctuation),
        )
        if is_included(name)
    ]
    if str(options.get("IncludeSpace", False)).lower() == "true":
        kinds.append(" ")
    excluded = str(options.get("ExcludeCharacters", ""))
    kinds = [left for kind in kinds if (left := "".join(each for each in kind if each not in excluded))]
    if not kinds:
        raise ResourceFailed("The password cannot be generated: all characters are excluded", "InvalidRequest")
    length = int(options.get("PasswordLength", 32))
    each_type = str(options.get("RequireEachIncludedType", True)).lower() == "true"
    chosen = [randomness.choice(kind) for kind in kinds] if each_type else []
    chosen += [randomness.choice("".join(kinds)) for _ in range(length - len(chosen))]
    randomness.SystemRandom().shuffle(chosen)
    return "".join(chosen[:length])


def random_suffix(length: int) -> str:
    return "".join(randomness.choice(ALPHANUMERIC) for _ in range(length))


def _record(physical_id: str) -> dict[str, Any] | None:
    return secretsmanager._resolve(physical_id)[1]


def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    name = properties.get("Name") or f"{logical_id}-{random_suffix(12)}"
    if present := secretsmanager._secrets.get(name):
        deleted = present.get("DeletedDate")
        why = (
            "a secret with this name is already scheduled for deletion"
            if deleted
            else f"the secret {name} already exists"
        )
        raise ResourceFailed(f"The operation failed because {why}.", "AlreadyExists")
    known = dict(properties) | {"Name": name, "SecretString": generated_value(properties)}
    provisioners._sm_secret_create(logical_id, known, stack_name)
    arn = secretsmanager._secrets[name]["ARN"]
    return arn, {"Id": arn}


def update(change: Change) -> Created:
    record = _record(change.physical_id)
    if record is None:
        return again(create)(change)
    name, (_, old, new, *rest) = record["Name"], change
    named = {"Name": name}
    if new.get("GenerateSecretString") != old.get("GenerateSecretString") and not new.get("SecretString"):
        named["SecretString"] = generated_value(new)
    before = dict(old) | named | {"SecretString": old.get("SecretString")}
    provisioners._sm_secret_update(name, before, dict(new) | named, *rest)
    return change.physical_id, {"Id": change.physical_id}


def delete(physical_id: str, properties: Mapping[str, Any]) -> None:
    if record := _record(physical_id):
        provisioners._sm_secret_delete(record["Name"], properties)


TYPES = (ResourceType("AWS::SecretsManager::Secret", create, update, delete),)
