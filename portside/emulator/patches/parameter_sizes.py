"""The largest value of a parameter of Systems Manager, by its tier; ministack keeps any.

https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import ssm
from portside.emulator.patches.patching import replaces

_PAGE = "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"
_STANDARD_CHARACTERS, _ADVANCED_CHARACTERS = 4096, 8192


@replaces("services.ssm._put_parameter")
def put_parameter(original: Any, *args: Mapping[str, Any]) -> Any:
    (data,) = args
    existing = ssm._parameters.get(data.get("Name", "")) or {}
    tiers = {data.get("Tier") or "Standard", existing.get("Tier", "Standard")}
    size = len(str(data.get("Value", "")))
    if tiers == {"Standard"} and size > _STANDARD_CHARACTERS:
        return _refused(
            f"Standard tier parameters support a maximum parameter value of {_STANDARD_CHARACTERS} characters. To "
            f"create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more "
            f"information, see {_PAGE}"
        )
    if size > _ADVANCED_CHARACTERS:
        return _refused(
            f"Advanced tier parameters support a maximum parameter value of {_ADVANCED_CHARACTERS} characters."
        )
    return original(data)


def _refused(problem: str) -> Any:
    return ssm.error_response_json("ValidationException", problem, 400)
