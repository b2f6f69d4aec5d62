"""The host name: its certificate, and whether DNS points it at the load balancer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from portside.aws.dns import ELSEWHERE, NOT_YET, RESOLVES, compare, look_up, snippet_of
from portside.aws.errors import is_missing
from portside.config.stacks import StackKind, only_stack
from portside.findings.check import fail, ok, skip
from portside.findings.finding import Finding
from portside.preflight.context import Context, NotKnown, Question, Shared

EXPIRY = "certificate: expiry"

# Certificate Manager renews well before: https://docs.aws.amazon.com/acm/latest/userguide/managed-renewal.html
_LEAST_DAYS = 30


def questions(context: Context) -> list[Question]:
    if not context.environment.certificate_arn:
        return [Question("certificate", without_certificate), Question(HOST_NAME, host_name)]
    described = Shared(lambda: _read(context))
    return [
        Question("certificate", lambda context: issued(context, described())),
        Question("certificate: host name", lambda context: covering(context, _existing(described()))),
        Question(EXPIRY, lambda context: lasting(context, _existing(described()))),
        Question(HOST_NAME, host_name),
    ]


def without_certificate(context: Context) -> Finding:
    """That there is no certificate to check."""
    return skip("certificate", context.environment.unencrypted or "no load balancer")


def _read(context: Context) -> Mapping[str, Any] | None:
    from botocore.exceptions import ClientError

    try:
        found = context.client("acm").describe_certificate(CertificateArn=context.environment.certificate_arn)
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    certificate: Mapping[str, Any] = found["Certificate"]
    return certificate


def _existing(certificate: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if certificate is None:
        raise NotKnown("there is no such certificate")
    return certificate


def issued(context: Context, certificate: Mapping[str, Any] | None) -> Finding:
    """Whether it exists where the load balancer looks for it, and is issued."""
    environment = context.environment
    identifier = environment.certificate_arn.rpartition("/")[2]
    place = f"account {environment.account} and region {environment.region}"
    if certificate is None:
        if context.target.is_local:
            return skip("certificate", f"the first rehearsal makes it: {context.commands.tool('deploy')}")
        return fail(
            "certificate",
            f"{identifier} does not exist in {place}, from where the load balancer takes it",
            f"Request one there for {environment.fqdn}, and write its id as CERTIFICATE_ID in app.py.",
        )
    status = certificate["Status"]
    if status != "ISSUED":
        return fail("certificate", f"{identifier} is {status}", _how_to_fix(status, certificate))
    return ok("certificate", f"{identifier} is issued, in {environment.region}")


def _how_to_fix(status: str, certificate: Mapping[str, Any]) -> str:
    """https://docs.aws.amazon.com/acm/latest/APIReference/API_CertificateDetail.html"""
    if status == "PENDING_VALIDATION":
        records = [each["ResourceRecord"] for each in _validations(certificate) if "ResourceRecord" in each]
        expected = "; ".join(f"{each['Name']} {each['Type']} {each['Value']}" for each in records)
        return (
            f"Add the DNS record that proves the name: {expected}"
            if expected
            else "Answer the e-mail that asks for it."
        )
    return "Request a new certificate, and write its id as CERTIFICATE_ID in app.py."


def _validations(certificate: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    options: Sequence[Mapping[str, Any]] = certificate.get("DomainValidationOptions", ())
    return [each for each in options if each.get("ValidationStatus") != "SUCCESS"]


def covering(context: Context, certificate: Mapping[str, Any]) -> Finding:
    """Whether browsers take it for the host name."""
    names = list(dict.fromkeys([certificate["DomainName"], *certificate.get("SubjectAlternativeNames", ())]))
    fqdn = context.environment.fqdn
    if is_covered(fqdn, names):
        return ok("certificate: host name", f"it covers {fqdn}")
    return fail(
        "certificate: host name",
        f"it covers {', '.join(names)}, not {fqdn}",
        f"Request one for {fqdn}, and write its id as CERTIFICATE_ID in app.py; a wildcard covers one label only.",
    )


def is_covered(fqdn: str, names: Iterable[str]) -> bool:
    """Whether a host name is one of a certificate's, in which `*.` matches exactly one label (RFC 9525)."""
    host = fqdn.lower().rstrip(".")
    _, _, above = host.partition(".")
    matching = {host, f"*.{above}"} if above else {host}
    return any(name.lower().rstrip(".") in matching for name in names)


def lasting(context: Context, certificate: Mapping[str, Any]) -> Finding:
    """Whether it stays valid for at least 30 days."""
    ends: datetime | None = certificate.get("NotAfter")
    if ends is None:
        return skip(EXPIRY, "a certificate that is not issued has no end")
    left = ends - context.now
    when = f"{ends:%Y-%m-%d}"
    if left >= timedelta(days=_LEAST_DAYS):
        return ok(EXPIRY, f"good until {when}, {left.days} days")
    found = f"it expired on {when}" if left < timedelta(0) else f"it expires on {when}, in {left.days} days"
    if certificate.get("Type") == "IMPORTED":
        return fail(EXPIRY, found, "It was imported, and is not renewed automatically: import a new one.")
    renewal = certificate.get("RenewalSummary", {}).get("RenewalStatus", "not begun")
    hint = "See that its validation record is in the DNS still, and that a load balancer uses it: then AWS renews it."
    return fail(EXPIRY, f"{found}; renewal: {renewal.lower().replace('_', ' ')}", hint)


HOST_NAME = "host name"


def host_name(context: Context) -> Finding:
    """Whether people who open the host name come to this environment's load balancer."""
    environment = context.environment
    if not environment.load_balancer:
        raise NotKnown("no load balancer")
    if not environment.fqdn:
        raise NotKnown("without FQDN people open the load balancer's own name")
    if context.target.is_local:
        raise NotKnown(f"a rehearsal has no DNS, and {environment.fqdn} is another's")
    name = only_stack(environment, StackKind.LOAD_BALANCER).name
    balancer = context.states().get(name)
    export = f"{name}-dns"
    expected = balancer.exports.get(export) if balancer else None
    if not expected:
        raise NotKnown("there is no load balancer yet: deploy first, then point the name there")
    state, found = compare(environment.fqdn, expected, look_up)
    if state in (NOT_YET, ELSEWHERE):
        hint = f"Add to org-formation, as {context.commands.tool('dns')} shows: {snippet_of(environment, export)}"
        return fail(HOST_NAME, found, hint)
    if state != RESOLVES:
        raise NotKnown(found)
    return ok(HOST_NAME, found)
