"""Texts that follow each other in one parameter of Systems Manager, each a version of it.

A standard parameter costs nothing and has at most 4 KiB, of which AWS keeps the last 100 versions. A longer text is
compressed, and continues in further parameters, whose versions the first one names.
https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from portside.aws.errors import aws_errors, is_missing

LARGEST_BYTES = 4096
MOST_PARTS = 9
_PACKED, _PARTS = "packed", "parts"
# The first part leaves room for the JSON around it, which names the others with up to 120 characters each.
_FIRST_PART_CHARACTERS = 3000
_LARGEST_UNPACKED_BYTES = 1_000_000


def names_of(name: str) -> list[str]:
    """All parameters that a text may be in."""
    return [name, *(f"{name}-{number}" for number in range(2, MOST_PARTS + 1))]


def write_version(ssm: Any, name: str, text: str, description: str) -> None:
    """Add a text to the history of a parameter."""
    if len(text.encode()) > LARGEST_BYTES:
        packed = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
        rest = packed[_FIRST_PART_CHARACTERS:]
        chunks = [
            packed[:_FIRST_PART_CHARACTERS],
            *(rest[start : start + LARGEST_BYTES] for start in range(0, len(rest), LARGEST_BYTES)),
        ]
        if len(chunks) > MOST_PARTS:
            raise ValueError(f"{len(packed)} characters are more than {MOST_PARTS} parameters take")
        # The first parameter is written last, so that it never refers to missing parts.
        parts = {
            part: put_parameter(ssm, part, chunk, description)
            for part, chunk in zip(names_of(name)[1:], chunks[1:], strict=False)
        }
        text = json.dumps({_PACKED: chunks[0], _PARTS: parts}, separators=(",", ":"))
    put_parameter(ssm, name, text, description)


def read_versions(ssm: Any, name: str) -> list[tuple[int, str]]:
    """The texts of a parameter with their numbers, the latest first; none where there is no such parameter.

    If a part of a text is missing, the content of the first parameter is returned.
    """
    versions = _history(ssm, name)
    parts: dict[str, dict[int, str]] = {}
    for text in versions.values():
        for part in _parts_of(text):
            if part not in parts and part in names_of(name):
                parts[part] = _history(ssm, part)
    return [(number, _unpacked(versions[number], parts)) for number in sorted(versions, reverse=True)]


def read_parameter(ssm: Any, name: str) -> str | None:
    """The value of a parameter, None if it does not exist."""
    try:
        return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
    except aws_errors() as error:
        if is_missing(error):
            return None
        raise


def put_parameter(ssm: Any, name: str, value: str, description: str) -> int:
    """Create or overwrite a parameter; returns the number of its new version."""
    # Where an earlier version made it an advanced parameter it has to stay one.
    answer = ssm.put_parameter(
        Name=name, Value=value, Type="String", Overwrite=True, Tier="Intelligent-Tiering", Description=description
    )
    return int(answer["Version"])


def _history(ssm: Any, name: str) -> dict[int, str]:
    try:
        pages = list(ssm.get_paginator("get_parameter_history").paginate(Name=name))
    except aws_errors() as error:
        if is_missing(error):
            return {}
        raise
    return {int(each["Version"]): str(each["Value"]) for page in pages for each in page["Parameters"]}


def _parts_of(text: str) -> Iterable[str]:
    found = _packed(text)
    return found[1] if found else ()


def _packed(text: str) -> tuple[str, Mapping[str, int]] | None:
    try:
        written = json.loads(text)
        chunk, parts = written[_PACKED], written[_PARTS]
        return str(chunk), {str(part): int(number) for part, number in parts.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _unpacked(text: str, parts: Mapping[str, Mapping[int, str]]) -> str:
    found = _packed(text)
    if found is None:
        return text
    chunk, further = found
    try:
        whole = chunk + "".join(parts[part][number] for part, number in further.items())
        # A text written by someone else must not fill the memory.
        return zlib.decompressobj().decompress(base64.b64decode(whole), _LARGEST_UNPACKED_BYTES).decode()
    except (ValueError, KeyError, zlib.error):
        return text
