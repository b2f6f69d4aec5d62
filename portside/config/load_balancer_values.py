"""The parsers of an environment's values for its load balancer and firewall."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from portside.config import environment_values as values
from portside.config.environment_values import Parser
from portside.config.mistakes import Report, closest, quoted

# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
MANAGED_RULES: Mapping[str, tuple[str, ...]] = {
    "AWSManagedRulesCommonRuleSet": (
        *("NoUserAgent_HEADER", "UserAgent_BadBots_HEADER"),
        *(f"SizeRestrictions_{part}" for part in ("QUERYSTRING", "Cookie_HEADER", "BODY", "URIPATH")),
        *(f"EC2MetaDataSSRF_{part}" for part in ("BODY", "COOKIE", "URIPATH", "QUERYARGUMENTS")),
        *(f"GenericLFI_{part}" for part in ("QUERYARGUMENTS", "URIPATH", "BODY")),
        *(f"RestrictedExtensions_{part}" for part in ("URIPATH", "QUERYARGUMENTS")),
        *(f"GenericRFI_{part}" for part in ("QUERYARGUMENTS", "BODY", "URIPATH")),
        *(f"CrossSiteScripting_{part}" for part in ("COOKIE", "QUERYARGUMENTS", "BODY", "URIPATH")),
    ),
    "AWSManagedRulesKnownBadInputsRuleSet": (
        *(f"JavaDeserializationRCE_{part}" for part in ("HEADER", "BODY", "URIPATH", "QUERYSTRING")),
        *("Host_localhost_HEADER", "PROPFIND_METHOD", "ExploitablePaths_URIPATH"),
        *(f"Log4JRCE_{part}" for part in ("HEADER", "QUERYSTRING", "URIPATH", "BODY")),
        "ReactJSRCE_BODY",
    ),
}
"""The rules of each group of managed rules that the firewall has."""

LIMIT_URL_LENGTH, LIMIT_REQUEST_RATE = "LimitURLLength", "LimitRequestRate"
"""The firewall's rules of this tool."""

_RULES = (*(rule for group in MANAGED_RULES.values() for rule in group), LIMIT_URL_LENGTH, LIMIT_REQUEST_RATE)
# https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html: 60 rules, two ports for each network
_MOST_NETWORKS = 30
_NETWORK_HINT = 'Use a list of networks in CIDR notation: ["203.0.113.0/24"].'
_EXCEPTIONS_HINT = 'Use {"SizeRestrictions_BODY": "users upload files of up to 10 MB"}.'


def allowed_networks(value: Any, report: Report) -> tuple[str, ...] | None:
    """The networks whose requests reach the load balancer."""
    if not report.sequence(value, _NETWORK_HINT):
        return None
    found_before = len(report.problems)
    if not value:
        report.wrong("empty, so nothing could reach the site", f"{_NETWORK_HINT} Omit it to let everyone in.", value)
    if len(value) > _MOST_NETWORKS:
        mistake = f"more than {_MOST_NETWORKS}, and a security group has at most 60 rules"
        report.wrong(mistake, "Combine networks.", len(value))
    for index, network in enumerate(value):
        place = report.at(f"[{index}]")
        if not place.text(network, _NETWORK_HINT):
            continue
        try:
            parsed = IPv4Network(network, strict=False)
        except ValueError:
            place.wrong("not an IPv4 network", _NETWORK_HINT, network)
            continue
        if parsed.prefixlen == 0:
            place.wrong("everyone", "Omit ALLOWED_NETWORKS to let everyone in.", network)
        elif str(parsed) != network:
            place.wrong("not in CIDR notation", f'Use "{parsed}".', network)
        elif network in value[:index]:
            place.wrong("given twice", "Remove one of them.", network)
        elif parsed.is_private:
            hint = "Use the address from which its users reach the internet."
            place.wrong("private addresses, which don't reach a load balancer in the internet", hint, network)
    return tuple(value) if len(report.problems) == found_before else None


def firewall_exceptions(value: Any, report: Report) -> dict[str, str] | None:
    """The rules of the firewall that count requests instead of blocking them, each with its reason."""
    if not report.mapping(value, _EXCEPTIONS_HINT):
        return None
    found_before = len(report.problems)
    for rule, reason in value.items():
        place = report.at(f"[{quoted(rule)}]")
        if rule not in _RULES:
            similar = closest(str(rule).lower(), [each.lower() for each in _RULES], similarity=0.6)
            named = next((each for each in _RULES if each.lower() == similar), None)
            hint = f'Did you mean "{named}"?' if named else f"Rules are {', '.join(_RULES)}."
            place.wrong("not a rule of the firewall", hint, rule)
        else:
            values.reason(reason, place)
    return dict(value) if len(report.problems) == found_before else None


KEYS: Mapping[str, Parser] = {
    "ALLOWED_NETWORKS": allowed_networks,
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
    "IDLE_TIMEOUT_SECONDS": values.between(1, 4000, "Use 1 to 4000 seconds; the default is 60."),
    "FIREWALL_EXCEPTIONS": firewall_exceptions,
}
