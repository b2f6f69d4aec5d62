"""The parsers of an environment's values, one for each key; those of the database are in `database_values`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from ipaddress import IPv4Interface, IPv4Network
from typing import Any

from portside.config.aws_names import REGIONS
from portside.config.environment import OWNER_TAG, Bastion
from portside.config.image_reference import is_tag
from portside.config.kind import Kind
from portside.config.mistakes import Report, closest, quoted, shown
from portside.config.proved_by import NO_ONE, REPORTED
from portside.config.release_source import is_ref_name
from portside.redact import holds_credential

Parser = Callable[[Any, Report], Any]
"""Parses a value, or reports its problem and returns None."""

ACCOUNT_HINT = 'Use 12 digits in quotes; "aws sts get-caller-identity --query Account" prints your account.'
TAGS_HINT = 'Set at least the cost center: {"CostCenter": "NO PROGRAM / 000000"}.'
VERSION_HINT = 'Use the tag of the images: "edge", or a release such as "4.2.0-rc2".'
FQDN_HINT = 'Add the host name of the site, such as "app-dev.example.org".'
CERTIFICATE_HINT = "Create a certificate in AWS Certificate Manager and add its id."
AUTO_SCALE_HINT = 'Set the number of tasks of each service: {"min": 1, "max": 2}.'

_PRIVATE_NETWORKS = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
# Networks that tasks in the same addresses could not reach, or that could not reach them.
_TAKEN_NETWORKS = {
    # https://docs.docker.com/engine/network/#default-address-pools
    IPv4Network("172.17.0.0/16"): "Docker's own network",
    # The previous app allowed its traffic to its databases.
    IPv4Network("10.1.0.0/16"): "the VPN's network",
}
# https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
_LARGEST_VPC = 16
# A load balancer needs /27 in each of its subnets, which are a quarter of the VPC each:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
_SMALLEST_VPC = 25
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_CERTIFICATE = re.compile(
    rf"(?:arn:aws:acm:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{{12}}):certificate/)?(?P<id>{_UUID})"
)
_HOST_NAME = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Tag.html. A resource can have 50, of which the
# CDK adds up to three to a subnet, and this tool adds the owner.
_MOST_TAGS = 46
_OWN_TAGS = OWNER_TAG.partition(":")[0] + ":"
_TAG_SIGNS = frozenset("_.:/=+-@")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365),
    *(400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


def between(low: int, high: int, hint: str) -> Parser:
    """A parser of whole numbers from `low` to `high`."""
    return lambda value, report: value if report.integer(value, low, high, hint) else None


def matching(pattern: str, mistake: str, hint: str) -> Parser:
    """A parser of texts that match a pattern."""

    def parse(value: Any, report: Report) -> str | None:
        if not report.text(value, hint):
            return None
        if re.fullmatch(pattern, value):
            return str(value)
        report.wrong(mistake, hint, value)
        return None

    return parse


account = matching("[0-9]{12}", "not an AWS account number", ACCOUNT_HINT)
BRANCH_HINT = 'Use letters, digits, ".", "_", "-" and "/", such as "release/stage".'
PROVED_BY_HINT = 'Use the name of a staging environment, or None with "PROOF_WAIVED": "reason".'
_LONGEST_REASON = 200


def one_of(names: Sequence[str], mistake: str, hint: str) -> Parser:
    """A parser of names that AWS defines."""

    def parse(value: Any, report: Report) -> str | None:
        if not report.text(value, hint):
            return None
        if value in names:
            return str(value)
        similar = closest(value, names, similarity=0.8)
        report.wrong(mistake, f'Did you mean "{similar}"?' if similar else hint, value)
        return None

    return parse


region = one_of(REGIONS, "not a commercial AWS region that has ECS", 'Use a name such as "us-east-1".')


def kind(value: Any, report: Report) -> Kind | None:
    """The purpose of an environment."""
    hint = 'Use "development", "staging" or "production".'
    if not report.text(value, hint):
        return None
    if value in list(Kind):
        return Kind(value)
    similar = Kind.default_of(value) or closest(value, list(Kind), similarity=0.6)
    report.wrong("not a kind of environment", f'Use "{similar}".' if similar else hint, value)
    return None


def branch(value: Any, report: Report) -> str | None:
    """The git branch of an environment's deployments."""
    if not report.text(value, BRANCH_HINT):
        return None
    if value.startswith(("refs/", "origin/")):
        report.wrong(
            "not only the name of the branch", f'Use "{re.sub("^(refs/(heads/)?|origin/)", "", value)}".', value
        )
    elif not is_ref_name(value) or value == "HEAD":
        report.wrong("not a valid name of a git branch", BRANCH_HINT, value)
    else:
        return str(value)
    return None


# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
role_name = matching(
    r"[A-Za-z0-9_+=,.@-]{1,64}",
    "not the name of an IAM role",
    'Use the name of the role, without its ARN, such as "app-dev-deploy".',
)


def proved_by(value: Any, report: Report) -> str:
    """The name of the environment in which images must have run before; `NO_ONE` for None."""
    if value is None:
        return NO_ONE
    return str(value) if report.text(value, PROVED_BY_HINT) else REPORTED


def reason(value: Any, report: Report) -> str:
    """A sentence that each deployment shows."""
    hint = f"Use one line of at most {_LONGEST_REASON} characters."
    if not report.text(value, hint):
        return REPORTED
    if holds_credential(value):
        report.wrong("looks like a secret, and each deployment shows it", hint)
    elif not value.isprintable() or len(value) > _LONGEST_REASON:
        report.wrong("not a single short line", hint)
    else:
        return str(value.strip())
    return REPORTED


def flag(value: Any, report: Report) -> bool | None:
    """True or False."""
    return bool(value) if report.flag(value) else None


def vpc_cidr(value: Any, report: Report) -> str | None:
    """The network of a VPC, in CIDR notation."""
    hint = 'For example: "10.254.172.0/24".'
    if not report.text(value, hint):
        return None
    try:
        interface = IPv4Interface(value)
    except ValueError:
        report.wrong("not an IPv4 network", hint, value)
        return None
    network = interface.network
    if "/" not in value:
        report.wrong("an address without the size of a network", hint, value)
    elif interface.ip != network.network_address:
        report.wrong("an address inside a network, not the network itself", f'Use "{network}".', value)
    elif str(network) != value:
        report.wrong("a network not in CIDR notation", f'Use "{network}".', value)
    elif not any(network.subnet_of(private) for private in _PRIVATE_NETWORKS):
        report.wrong("not private addresses", "Use addresses in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.", value)
    elif network.prefixlen < _LARGEST_VPC:
        report.wrong(f"larger than /{_LARGEST_VPC}, the largest VPC", hint, value)
    elif network.prefixlen > _SMALLEST_VPC:
        needed = f"a load balancer needs /27 in each of the four subnets, so the VPC needs /{_SMALLEST_VPC}"
        report.wrong(f"too small: {needed}", hint, value)
    elif taken := next((name for taken, name in _TAKEN_NETWORKS.items() if network.overlaps(taken)), ""):
        report.wrong(f"overlaps with {taken}", "Use other addresses.", value)
    else:
        return str(value)
    return None


def fqdn(value: Any, report: Report) -> str | None:
    """A host name."""
    hint = 'Use the host name of the site, such as "app-dev.example.org".'
    if not report.text(value, hint):
        return None
    if _HOST_NAME.fullmatch(value):
        return str(value)
    bare = value.strip().lower().partition("://")[2] or value.strip().lower()
    bare = bare.strip("/.")
    report.wrong("not a host name in lowercase", f'Use "{bare}".' if _HOST_NAME.fullmatch(bare) else hint, value)
    return None


def certificate(value: Any, report: Report) -> dict[str, str | None] | None:
    """The id of a certificate, and its region and account if the value is an ARN."""
    hint = 'Copy its id or ARN from AWS Certificate Manager, such as "0e9682f6-3ffa-46fb-9671-b6349f5164d6".'
    if not report.text(value, hint):
        return None
    if match := _CERTIFICATE.fullmatch(value):
        return match.groupdict()
    report.wrong("neither the id nor the ARN of a certificate", hint, value)
    return None


def tags(value: Any, report: Report) -> dict[str, str] | None:
    """Tags that all services of AWS accept."""
    if not report.mapping(value, TAGS_HINT):
        return None
    found_before = len(report.problems)
    if not value:
        report.wrong("empty", TAGS_HINT, value)
    if len(value) > _MOST_TAGS:
        mistake = f"more than {_MOST_TAGS}: AWS allows 50, with the tags of the CDK and of this tool"
        report.wrong(mistake, "Remove some.", len(value))
    seen: dict[str, str] = {}
    for key, text in value.items():
        place = report.at(f"[{quoted(key)}]")
        if _is_tag_text(key, 128, "name", place):
            if key.lower() in seen:
                mistake = f"only differs in case from {quoted(seen[key.lower()])}, which IAM rejects"
                place.wrong(mistake, "Keep one of them.", key)
            seen[key.lower()] = key
            if key.lower().startswith(_OWN_TAGS):
                place.wrong(f"tags that begin with {_OWN_TAGS} are set by this tool", "Use another name.", key)
        _is_tag_text(text, 256, "value", place)
    return dict(value) if len(report.problems) == found_before else None


def _is_tag_text(text: Any, longest: int, noun: str, report: Report) -> bool:
    hint = f"Use 1 to {longest} letters, digits, spaces and _.:/=+-@."
    if not isinstance(text, str) or not text:
        report.wrong(f"a tag's {noun} is {'empty' if text == '' else 'not a text'}", hint, text)
    elif len(text) > longest:
        report.wrong(f"a tag's {noun} is longer than {longest} characters", hint, len(text))
    elif refused := sorted({sign for sign in text if not _is_tag_sign(sign)}):
        report.wrong(f"AWS rejects {' '.join(map(shown, refused))} in a tag's {noun}", hint, text)
    elif text.lower().startswith("aws:"):
        report.wrong(f"a tag's {noun} begins with aws:, which AWS reserves", "Use another prefix.", text)
    elif text != text.strip():
        report.wrong(f"a tag's {noun} begins or ends with a space", "Remove the space.", text)
    else:
        return True
    return False


def _is_tag_sign(sign: str) -> bool:
    return sign in _TAG_SIGNS or unicodedata.category(sign)[0] in "LNZ"


def version(value: Any, report: Report) -> str | None:
    """The tag of the images."""
    if not report.text(value, VERSION_HINT):
        return None
    if git_tag := re.fullmatch(r"[a-z0-9-]+/(release/)?v?(.+)", value):
        hint = f'Use "{git_tag[2]}".'
        if git_tag[1]:
            hint = f'Use the release candidate of the same commit, such as "{git_tag[2]}-rc1".'
        report.wrong("a git tag: the tags of images have no prefix", hint, value)
    elif not is_tag(value):
        report.wrong("not a valid tag of an image", VERSION_HINT, value)
    else:
        return str(value)
    return None


def auto_scale(value: Any, report: Report) -> dict[str, int] | None:
    """The minimum and maximum number of tasks of a service, as `min` and `max`."""
    if not report.mapping(value, 'Use {"min": 1, "max": 2}.'):
        return None
    given = report.by_known_name(value, ["min", "max"], "key")
    found: dict[str, int] = {}
    for key in ("min", "max"):
        place = report.at(f'["{key}"]')
        if key not in given:
            place.wrong("missing", AUTO_SCALE_HINT)
        elif place.integer(given[key], 1, 5000, "Use 1 to 5000, the number of tasks of each service."):
            found[key] = given[key]
    if len(found) == 2 and found["min"] > found["max"]:
        report.at('["min"]').wrong('above "max"', f"Use at most {found['max']}, or increase it.", found["min"])
    return found


def log_retention_days(value: Any, report: Report) -> int | None:
    """A retention period of CloudWatch Logs in days."""
    hint = f"Use one of {', '.join(map(str, RETENTION_DAYS))}."
    if not report.integer(value, min(RETENTION_DAYS), max(RETENTION_DAYS), hint):
        return None
    if value in RETENTION_DAYS:
        return int(value)
    report.wrong("not a retention period of CloudWatch Logs", hint, value)
    return None


def emails(value: Any, report: Report) -> tuple[str, ...] | None:
    """The recipients of alarms."""
    hint = 'Use a list of addresses: ["team@example.org"].'
    if not report.sequence(value, hint):
        return None
    found_before = len(report.problems)
    for index, address in enumerate(value):
        place = report.at(f"[{index}]")
        if place.text(address, hint) and not _EMAIL.fullmatch(address):
            place.wrong("not an e-mail address", hint, address)
    return tuple(value) if len(report.problems) == found_before else None


def bastion(value: Any, report: Report) -> Bastion | None:
    """The bastion, or None."""
    hint = 'Use {"KEY_NAME": "my-key", "AMI_ID": "ami-…"}, or remove BASTION.'
    if value is None or not report.mapping(value, hint):
        return None
    parsers = {
        "KEY_NAME": matching(r"[ -~]{1,255}", "not the name of a key pair", hint),
        "AMI_ID": matching(r"ami-(?:[0-9a-f]{8}|[0-9a-f]{17})", "not the id of an AMI", hint),
        "INSTANCE_TYPE": matching(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", "not an instance type", 'For example: "t3.micro".'),
    }
    found_before = len(report.problems)
    given = report.by_known_name(value, list(parsers), "key")
    for key in ("KEY_NAME", "AMI_ID"):
        if key not in given:
            report.at(f'["{key}"]').wrong("missing", hint)
    found = {key.lower(): parsers[key](text, report.at(f'["{key}"]')) for key, text in given.items()}
    return Bastion(**found) if len(report.problems) == found_before else None
