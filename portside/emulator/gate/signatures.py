"""Verifies the Signature Version 4 of a request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html. botocore computes the signature to compare with,
as for boto3; only the signed chunks of an upload, which botocore doesn't support, are implemented here.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials
from botocore.utils import normalize_url_path

ALGORITHM = "AWS4-HMAC-SHA256"
CLOCK_SKEW = datetime.timedelta(minutes=15)
LONGEST_PRESIGNED_SECONDS = 7 * 24 * 3600

_UNSIGNED = "UNSIGNED-PAYLOAD"
_UNSIGNED_CHUNKS = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
_DATE: Final = "%Y%m%dT%H%M%SZ"
_PARTS = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s]+)")


class Unproven(Exception):
    """The signature of a request is not valid; `code` is a reason of `refusals`."""

    def __init__(self, code: str, message: str, service: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.service = code, message, service


@dataclass(frozen=True, kw_only=True)
class SignedRequest:
    """A request as received: path and query undecoded, headers by lower-case name, repeated ones joined."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Key:
    """The secret of an access key, and the token and expiry of a session."""

    secret: str
    token: str | None = None
    expires: float | None = None


Keys = Callable[[str], Key | None]
"""From an access key ID to its key; None if it is unknown."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The signature of a request and its scope. `expires` is the validity of a presigned URL in seconds."""

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str
    token: str | None
    expires: int | None = None

    @property
    def signs_for_s3(self) -> bool:
        return self.service == "s3"


class _Verifier(SigV4Auth):
    """botocore's signer, for exactly the headers that the client has signed."""

    signed: Sequence[str] = ()

    def headers_to_sign(self, request: Any) -> HTTPHeaders:
        found = HTTPHeaders()
        for name in self.signed:
            found[name] = request.headers[name]
        return found


class _S3Verifier(_Verifier, S3SigV4Auth):
    pass


def claim_of(request: SignedRequest) -> Claim:
    """The claim in the request's header or, for a presigned URL, in its query. Raises `Unproven`."""
    header = request.headers.get("authorization")
    query = parse_qsl(request.query, keep_blank_values=True)
    presigned = dict(query)
    if header is None and "X-Amz-Signature" not in presigned:
        raise Unproven("MissingAuthenticationToken", "Request is missing Authentication Token")
    if header is not None and "X-Amz-Signature" in presigned:
        raise Unproven("IncompleteSignature", "Only one way of signing is allowed: header or query")
    if len(presigned) != len(query) and header is None:
        raise Unproven("IncompleteSignature", "A parameter of a presigned URL is repeated")
    return _claim_in_header(request, header) if header is not None else _claim_in_query(presigned)


def check(request: SignedRequest, claim: Claim, keys: Keys, now: datetime.datetime) -> _Checked:
    """Check everything except the signature, which needs the body's hash. Raises `Unproven`."""
    key = keys(claim.access_key)
    if key is None:
        raise _unproven(claim, "UnrecognizedClientException", "The security token included in the request is invalid.")
    if not hmac.compare_digest((key.token or "").encode(), (claim.token or "").encode()):
        raise _unproven(claim, "InvalidToken", "The security token included in the request is invalid.")
    if key.expires is not None and now.timestamp() >= key.expires:
        raise _unproven(claim, "ExpiredTokenException", "The security token included in the request is expired")
    _check_time(claim, now)
    _check_signed_headers(request, claim)
    return _Checked(request, claim, key)


class _Checked:
    """A request whose signature can be compared once the hash of its body is known."""

    def __init__(self, request: SignedRequest, claim: Claim, key: Key) -> None:
        self._request, self._claim, self._key = request, claim, key
        self.payload = self._declared_payload()

    def _declared_payload(self) -> str | None:
        claim, declared = self._claim, self._request.headers.get("x-amz-content-sha256")
        if claim.expires is not None and claim.signs_for_s3:
            return declared if declared and "x-amz-content-sha256" in claim.signed_headers else _UNSIGNED
        if declared is None:
            return None
        if not _SHA256.fullmatch(declared) and not (
            claim.signs_for_s3 and declared in (_UNSIGNED, _UNSIGNED_CHUNKS, _SIGNED_CHUNKS)
        ):
            raise _unproven(
                claim, "UnsupportedSignature", f"x-amz-content-sha256 is not the hash of the body: {declared}"
            )
        return declared

    def verify_head(self) -> None:
        """Compare the signature before the body is read, if a header declares the body's hash."""
        if self.payload is not None:
            self._compare(self.payload)

    def verify_body(self, body: bytes) -> None:
        """Compare the body with the declared hash, or the signature if no hash was declared."""
        if self.payload is None:
            self._compare(hashlib.sha256(body).hexdigest())
        elif self.payload == _SIGNED_CHUNKS:
            self._compare_chunks(body)
        elif _SHA256.fullmatch(self.payload) and hashlib.sha256(body).hexdigest() != self.payload:
            raise self._mismatch()

    def _compare(self, payload: str) -> None:
        if not hmac.compare_digest(_signature(self._request, self._claim, self._key, payload), self._claim.signature):
            raise self._mismatch()

    def _compare_chunks(self, body: bytes) -> None:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html"""
        claim, auth = self._claim, _verifier(self._claim, self._key)
        context = AWSRequest()
        context.context["timestamp"] = claim.timestamp
        scope, previous, rest = auth.credential_scope(context), claim.signature, body
        while True:
            head, _, rest = rest.partition(b"\r\n")
            size, _, given = head.partition(b";chunk-signature=")
            if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", size):
                raise self._mismatch()
            length = int(size, 16)
            digest = hashlib.sha256(rest[:length]).hexdigest()
            signed = "\n".join((f"{ALGORITHM}-PAYLOAD", claim.timestamp, scope, previous, _EMPTY_SHA256, digest))
            previous = auth.signature(signed, context)
            if not hmac.compare_digest(previous.encode(), given) or rest[length : length + 2] != b"\r\n":
                raise self._mismatch()
            if length == 0:
                if rest != b"\r\n":
                    raise self._mismatch()
                return
            rest = rest[length + 2 :]

    def _mismatch(self) -> Unproven:
        return _unproven(
            self._claim,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.",
        )


def _claim_in_header(request: SignedRequest, header: str) -> Claim:
    algorithm, _, rest = header.partition(" ")
    if algorithm != ALGORITHM:
        raise Unproven("UnsupportedSignature", f"Only {ALGORITHM} is supported")
    found = dict(_PARTS.findall(rest))
    if len(found) != 3 or len(_PARTS.findall(rest)) != 3:
        raise Unproven("IncompleteSignature", "Authorization needs Credential, SignedHeaders and Signature")
    access_key, date, region, service = _scope(found["Credential"])
    return Claim(
        access_key=access_key,
        date=date,
        region=region,
        service=service,
        signed_headers=tuple(found["SignedHeaders"].split(";")),
        signature=found["Signature"],
        timestamp=request.headers.get("x-amz-date", ""),
        token=request.headers.get("x-amz-security-token"),
    )


def _claim_in_query(query: Mapping[str, str]) -> Claim:
    if query.get("X-Amz-Algorithm") != ALGORITHM:
        raise Unproven("UnsupportedSignature", f"Only {ALGORITHM} is supported")
    access_key, date, region, service = _scope(query.get("X-Amz-Credential", ""))
    expires = query.get("X-Amz-Expires", "")
    if not re.fullmatch(r"[0-9]{1,6}", expires) or not 0 < int(expires) <= LONGEST_PRESIGNED_SECONDS:
        raise Unproven("IncompleteSignature", "X-Amz-Expires must be from 1 to 604800 seconds", service)
    return Claim(
        access_key=access_key,
        date=date,
        region=region,
        service=service,
        signed_headers=tuple(query.get("X-Amz-SignedHeaders", "").split(";")),
        signature=query["X-Amz-Signature"],
        timestamp=query.get("X-Amz-Date", ""),
        token=query.get("X-Amz-Security-Token"),
        expires=int(expires),
    )


def _scope(credential: str) -> tuple[str, str, str, str]:
    parts = credential.split("/")
    if len(parts) != 5 or not all(parts) or parts[4] != "aws4_request":
        raise Unproven("IncompleteSignature", "Credential must be KEY/DATE/REGION/SERVICE/aws4_request")
    return parts[0], parts[1], parts[2], parts[3]


def _check_time(claim: Claim, now: datetime.datetime) -> None:
    try:
        signed = datetime.datetime.strptime(claim.timestamp, _DATE).replace(tzinfo=datetime.UTC)
    except ValueError:
        raise _unproven(claim, "IncompleteSignature", "X-Amz-Date must be like 20260131T235959Z") from None
    if claim.date != claim.timestamp[:8]:
        raise _unproven(claim, "CredentialDateMismatch", "The credential's date is not that of X-Amz-Date")
    if signed > now + CLOCK_SKEW:
        raise _unproven(claim, "RequestTimeTooSkewed", f"Signature not yet current: {claim.timestamp}")
    if claim.expires is not None:
        if now >= signed + datetime.timedelta(seconds=claim.expires):
            raise _unproven(claim, "RequestExpired", "Request has expired")
    elif signed < now - CLOCK_SKEW:
        raise _unproven(claim, "RequestTimeTooSkewed", f"Signature expired: {claim.timestamp}")


def _check_signed_headers(request: SignedRequest, claim: Claim) -> None:
    """The host and all headers that change a request's meaning must be signed, or a signature could be reused."""
    signed = claim.signed_headers
    if list(signed) != sorted({name.lower() for name in signed}) or not set(signed) <= request.headers.keys():
        raise _unproven(claim, "IncompleteSignature", "SignedHeaders must name headers of the request, sorted")
    needed = {name for name in request.headers if name.startswith("x-amz-")} | {"host"}
    if claim.expires is None:
        needed |= request.headers.keys() & {"content-type"}
    if missing := sorted(needed - set(signed)):
        raise _unproven(claim, "SignatureDoesNotMatch", f"Headers that must be signed are not: {', '.join(missing)}")
    if not claim.signs_for_s3 and normalize_url_path(request.path) != request.path:
        raise _unproven(claim, "SignatureDoesNotMatch", "The path is not in its normal form")


def _signature(request: SignedRequest, claim: Claim, key: Key, payload: str) -> str:
    query = request.query
    if claim.expires is not None:
        query = "&".join(each for each in query.split("&") if not each.startswith("X-Amz-Signature="))
    headers = {name: request.headers[name] for name in claim.signed_headers}
    # botocore reads the hash of the payload from this header, which is not itself signed.
    unsigned_payload = {"x-amz-content-sha256": payload}
    target = f"http://host{request.path}{'?' if query else ''}{query}"
    signed = AWSRequest(method=request.method, url=target, headers=headers | unsigned_payload)
    signed.context["timestamp"] = claim.timestamp
    auth = _verifier(claim, key)
    return str(auth.signature(auth.string_to_sign(signed, auth.canonical_request(signed)), signed))


def _verifier(claim: Claim, key: Key) -> _Verifier:
    kind = _S3Verifier if claim.signs_for_s3 else _Verifier
    auth = kind(Credentials(claim.access_key, key.secret, key.token), claim.service, claim.region)
    auth.signed = claim.signed_headers
    return auth


def _unproven(claim: Claim, code: str, message: str) -> Unproven:
    return Unproven(code, message, claim.service)
