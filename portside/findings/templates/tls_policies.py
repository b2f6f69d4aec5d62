"""The security policies of HTTPS and TLS listeners.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = re.compile(r"^ELBSecurityPolicy-(?:([A-Za-z0-9-]+)-)?(20\d\d-(?:0[1-9]|1[0-2]))$")
_DATES: Mapping[str, tuple[str, ...]] = {
    "": ("2015-02", "2015-03", "2015-05", "2016-08"),
    "FS": ("2018-06",),
    "FS-1-1": ("2019-08",),
    "FS-1-2": ("2019-08",),
    "FS-1-2-Res": ("2019-08", "2020-10"),
    "TLS-1-0": ("2015-04",),
    "TLS-1-1": ("2017-01",),
    "TLS-1-2": ("2017-01",),
    "TLS-1-2-Ext": ("2018-06",),
    **dict.fromkeys(
        [f"TLS13-1-{each}" for each in ("0", "1", "2", "2-Ext1", "2-Ext2", "2-Res", "3")],
        ("2021-06",),
    ),
    **dict.fromkeys(
        [f"TLS13-1-{each}-FIPS" for each in ("0", "1", "2", "2-Ext0", "2-Ext1", "2-Ext2", "2-Res", "3")],
        ("2023-04",),
    ),
    **dict.fromkeys([f"TLS13-1-{each}-PQ" for each in ("0", "2", "2-Ext1", "2-Ext2", "2-Res", "3")], ("2025-09",)),
    **dict.fromkeys(
        [f"TLS13-1-{each}-FIPS-PQ" for each in ("0", "2", "2-Ext0", "2-Ext1", "2-Ext2", "2-Res", "3")],
        ("2025-09",),
    ),
}
# AWS may have added later policies of these kinds.
_LISTED_UNTIL = "2026-11"


def is_policy(name: str) -> bool:
    """Whether AWS may have a policy of that name; kinds that are not listed here are let pass."""
    found = _NAME.match(name)
    if not found:
        return False
    dates = _DATES.get(found[1] or "")
    return dates is None or found[2] in dates or found[2] > _LISTED_UNTIL
