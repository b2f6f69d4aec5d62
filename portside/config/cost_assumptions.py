"""The assumed usage of an environment, which its templates don't show: `COST_ASSUMPTIONS` in `app.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portside.config.mistakes import Report, quoted

_MOST = 1_000_000_000
_HINT = 'Use a number for each, such as {"nat_gb": 20}.'


@dataclass(frozen=True)
class Assumption:
    """The default of an assumed quantity of a month; a share is from 0 to 1."""

    default: float
    description: str
    is_share: bool = False


# The usage of a small portal, of which nothing was measured.
ASSUMPTIONS: Mapping[str, Assumption] = {
    "scaled_up": Assumption(0.1, "how far above their minimum services and serverless databases run", is_share=True),
    "nat_gb": Assumption(20, "GB through the NAT gateways, images included"),
    "internet_gb": Assumption(20, "GB sent to the internet"),
    "load_balancer_lcu": Assumption(0.5, "capacity units of the load balancer, on average"),
    "requests_million": Assumption(3, "million requests that the firewall inspects"),
    "database_gb": Assumption(5, "GB of data in a cluster, and of backups beyond the free ones"),
    "database_requests_million": Assumption(5, "million reads and writes of a cluster's storage"),
    "logs_gb": Assumption(2.5, "GB of logs written"),
    "access_logs_gb": Assumption(0.2, "GB of the load balancer's access logs written"),
    "job_runs": Assumption(20, "runs of each job without a schedule"),
    "run_minutes": Assumption(5, "minutes of a run of a job or a scheduled task"),
    "insights_metrics": Assumption(20, "metrics of each service in Container Insights, where it is on"),
    "disk_gb": Assumption(8, "GB of the disk of a bastion"),
    "guardduty": Assumption(0, "the share of vCPUs that GuardDuty monitors at run time", is_share=True),
}


def assumptions(value: Any, report: Report) -> dict[str, float] | None:
    """The quantities that differ from the defaults."""
    if not report.mapping(value, _HINT):
        return None
    found_before = len(report.problems)
    given = report.by_known_name(value, list(ASSUMPTIONS), "key")
    for key, quantity in given.items():
        place, most = report.at(f"[{quoted(key)}]"), 1 if ASSUMPTIONS[key].is_share else _MOST
        if not isinstance(quantity, int | float) or isinstance(quantity, bool):
            place.wrong("not a number", _HINT, quantity)
        elif not 0 <= quantity <= most:
            place.wrong(f"not from 0 to {most:,}", _HINT, quantity)
    return dict(given) if len(report.problems) == found_before else None


def with_defaults(given: Mapping[str, float]) -> dict[str, float]:
    """All assumptions: the given ones, and the defaults of the others."""
    return {key: given.get(key, each.default) for key, each in ASSUMPTIONS.items()}
