"""A signature proves that the signer knows the secret, and that nothing was changed on the way."""

from __future__ import annotations

import datetime
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from portside.emulator.gate import server_secret, signatures
from portside.emulator.gate.keys import keys
from portside.emulator.gate.signatures import SignedRequest, Unproven

ACCOUNT = "123456789012"
SECRET = server_secret.of_account("a-secret-of-this-server", ACCOUNT)
SESSION = "ASIAEXAMPLE"
HOST = "127.0.0.1:4566"
CONFIGURATION = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "AmazonSSM.GetParameter"}


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


SESSIONS: dict[str, dict[str, Any]] = {
    SESSION: {"SecretAccessKey": "of-a-session", "SessionToken": "a-token", "Expiration": now().timestamp() + 3600},
    "ASIAOLD": {"SecretAccessKey": "of-a-session", "SessionToken": "a-token", "Expiration": now().timestamp() - 1},
}
KEYS = keys("a-secret-of-this-server", SESSIONS)


def signed(
    service: str = "ssm",
    method: str = "POST",
    target: str = "/",
    body: bytes = b"{}",
    headers: Mapping[str, str] = JSON,
    *,
    key: str = ACCOUNT,
    secret: str = SECRET,
    token: str | None = None,
    presigned: int | None = None,
) -> SignedRequest:
    """The request that boto3 would send."""
    request = AWSRequest(method=method, url=f"http://{HOST}{target}", data=body, headers={"host": HOST, **headers})
    who = Credentials(key, secret, token)
    kind: Callable[..., Any]
    if presigned is not None:
        kind = S3SigV4QueryAuth if service == "s3" else SigV4QueryAuth
        kind(who, service, "us-east-1", expires=presigned).add_auth(request)
    else:
        kind = S3SigV4Auth if service == "s3" else SigV4Auth
        kind(who, service, "us-east-1").add_auth(request)
    parts = urlsplit(str(request.url))
    sent = {name.lower(): value for name, value in request.headers.items()}
    return SignedRequest(method=method, path=parts.path, query=parts.query, headers=sent)


def verify(request: SignedRequest, body: bytes = b"{}", at: datetime.datetime | None = None) -> None:
    checked = signatures.check(request, signatures.claim_of(request), KEYS, at or now())
    checked.verify_head()
    checked.verify_body(body)


def refused(request: SignedRequest, body: bytes = b"{}", at: datetime.datetime | None = None) -> str:
    with pytest.raises(Unproven) as caught:
        verify(request, body, at)
    return caught.value.code


@pytest.mark.parametrize(
    ("service", "method", "target", "headers", "body"),
    [
        ("ssm", "POST", "/", JSON, b"{}"),
        ("sts", "POST", "/", CONFIGURATION, b"Action=GetCallerIdentity&Version=2011-06-15"),
        ("ec2", "GET", "/?Action=DescribeVpcs&Version=2016-11-15&A=%2B%20b", {}, b""),
        ("s3", "PUT", "/bucket/a%20b%2B%C3%A4/..//c", {}, b"\x00\xff" * 100),
        ("s3", "GET", "/bucket?list-type=2&prefix=a%2Fb&versions", {}, b""),
        ("s3", "PUT", "/bucket/key", {"x-amz-meta-note": "two  spaces"}, b""),
    ],
)
def test_what_boto3_signs_is_proven(
    service: str, method: str, target: str, headers: Mapping[str, str], body: bytes
) -> None:
    verify(signed(service, method, target, body, headers), body)


@pytest.mark.parametrize("secret", ["", "local", SECRET[:-1], f"{SECRET} "])
def test_another_secret_proves_nothing(secret: str) -> None:
    assert refused(signed(secret=secret)) == "SignatureDoesNotMatch"


@pytest.mark.parametrize("key", ["AKIA" + "IOSFODNN7EXAMPLE", "12345678901", "1234567890123", "test", "ASIAUNKNOWN"])
def test_only_accounts_and_sessions_of_this_server_are_known(key: str) -> None:
    assert refused(signed(key=key)) == "UnrecognizedClientException"


def test_a_session_has_its_own_secret_and_token_until_it_ends() -> None:
    verify(signed(key=SESSION, secret="of-a-session", token="a-token"))
    assert refused(signed(key=SESSION, secret=SECRET, token="a-token")) == "SignatureDoesNotMatch"
    assert refused(signed(key=SESSION, secret="of-a-session", token="b-token")) == "InvalidToken"
    assert refused(signed(key=SESSION, secret="of-a-session")) == "InvalidToken"
    assert refused(signed(token="a-token")) == "InvalidToken"
    assert refused(signed(key="ASIAOLD", secret="of-a-session", token="a-token")) == "ExpiredTokenException"


@pytest.mark.parametrize(
    ("minutes", "code"),
    [(-16, "RequestTimeTooSkewed"), (16, "RequestTimeTooSkewed"), (-14, ""), (14, "")],
)
def test_a_signature_is_good_for_a_quarter_of_an_hour(minutes: int, code: str) -> None:
    at = now() + datetime.timedelta(minutes=minutes)
    if code:
        assert refused(signed(), at=at) == code
    else:
        verify(signed(), at=at)


@pytest.mark.parametrize("service", ["s3", "sts"])
def test_a_presigned_address_is_good_until_it_expires(service: str) -> None:
    request = signed(service, "GET", "/bucket/key" if service == "s3" else "/?Action=A", b"", {}, presigned=60)
    verify(request, b"")
    verify(request, b"", at=now() + datetime.timedelta(seconds=55))
    assert refused(request, b"", at=now() + datetime.timedelta(seconds=61)) == "RequestExpired"
    longer = replace(request, query=request.query.replace("Expires=60", "Expires=600"))
    assert refused(longer, b"") == "SignatureDoesNotMatch"
    assert refused(replace(request, method="DELETE"), b"") == "SignatureDoesNotMatch"


@pytest.mark.parametrize("seconds", ["0", "604801", "-1", "1e3", ""])
def test_a_presigned_address_is_good_for_a_week_at_most(seconds: str) -> None:
    request = signed("s3", "GET", "/bucket/key", b"", {}, presigned=60)
    changed = replace(request, query=request.query.replace("Expires=60", f"Expires={seconds}"))
    assert refused(changed, b"") == "IncompleteSignature"


@pytest.mark.parametrize(
    ("headers", "query", "code"),
    [
        ({}, "", "MissingAuthenticationToken"),
        ({"authorization": ""}, "", "UnsupportedSignature"),
        ({"authorization": "Bearer x"}, "", "UnsupportedSignature"),
        ({"authorization": "AWS AKIA:signature"}, "", "UnsupportedSignature"),
        ({"authorization": "AWS4-ECDSA-P256-SHA256 Credential=a/b/c/d"}, "", "UnsupportedSignature"),
        ({"authorization": "AWS4-HMAC-SHA256"}, "", "IncompleteSignature"),
        ({"authorization": "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b, Signature=c"}, "", "IncompleteSignature"),
        ({}, "X-Amz-Signature=x", "UnsupportedSignature"),
        ({}, "X-Amz-Signature=x&X-Amz-Algorithm=AWS4-HMAC-SHA256", "IncompleteSignature"),
        ({}, "X-Amz-Signature=x&X-Amz-Signature=y", "IncompleteSignature"),
        ({"authorization": "x"}, "X-Amz-Signature=x", "IncompleteSignature"),
        ({}, "AWSAccessKeyId=x&Signature=y&Expires=99999999999", "MissingAuthenticationToken"),
    ],
)
def test_what_is_not_signed_by_the_rules_is_refused(headers: Mapping[str, str], query: str, code: str) -> None:
    request = SignedRequest(method="GET", path="/", query=query, headers={"host": HOST, **headers})
    assert refused(request, b"") == code


@pytest.mark.parametrize("name", ["x-amz-target", "content-type", "host", "x-amz-date"])
def test_what_tells_a_request_what_to_do_must_be_signed(name: str) -> None:
    request = signed()
    listed = request.headers["authorization"]
    signed_headers = listed.partition("SignedHeaders=")[2].partition(",")[0]
    fewer = ";".join(each for each in signed_headers.split(";") if each != name)
    without = replace(request, headers={**request.headers, "authorization": listed.replace(signed_headers, fewer)})
    assert refused(without) == "SignatureDoesNotMatch"
    added = replace(request, headers={**request.headers, "x-amz-security-hint": "more"})
    assert refused(added) == "SignatureDoesNotMatch"


def test_a_path_that_only_normalizes_to_the_signed_one_is_another() -> None:
    for path in ("//", "/./", "/a/../", "/_ministack/.."):
        assert refused(replace(signed(), path=path)) == "SignatureDoesNotMatch"


_TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#?&"), min_size=1, max_size=8)
_REQUESTS = st.sampled_from(
    [
        ("ssm", "POST", "/", JSON, b"{}"),
        ("sts", "POST", "/", CONFIGURATION, b"Action=GetCallerIdentity"),
        ("s3", "PUT", "/bucket/key?partNumber=1&uploadId=x", {"x-amz-meta-a": "b"}, b"content"),
        ("s3", "DELETE", "/bucket/key", {}, b""),
    ]
)


@given(_REQUESTS, st.sampled_from(["method", "path", "query", "header", "body", "signature", "scope"]), st.data())
def test_any_change_breaks_the_signature(case: tuple[Any, ...], part: str, data: st.DataObject) -> None:
    service, method, target, headers, body = case
    request = signed(service, method, target, body, headers)
    verify(request, body)
    if part == "method":
        other = data.draw(st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"]).filter(method.__ne__))
        request = replace(request, method=other)
    elif part == "path":
        position = data.draw(st.integers(1, len(request.path)))
        request = replace(request, path=request.path[:position] + data.draw(_TEXT) + request.path[position:])
    elif part == "query":
        request = replace(request, query=f"{request.query}&{data.draw(_TEXT)}={data.draw(_TEXT)}")
    elif part == "header":
        name = data.draw(st.sampled_from(sorted(request.headers.keys() - {"authorization", "content-length"})))
        request = replace(request, headers={**request.headers, name: request.headers[name] + data.draw(_TEXT)})
    elif part == "body":
        position = data.draw(st.integers(0, len(body)))
        body = body[:position] + data.draw(st.binary(min_size=1, max_size=4)) + body[position:]
    else:
        old = request.headers["authorization"]
        position = old.index("Signature=" if part == "signature" else "Credential=") + data.draw(st.integers(11, 40))
        new = data.draw(st.sampled_from("0123456789abcdef/").filter(old[position].__ne__))
        headers = {**request.headers, "authorization": old[:position] + new + old[position + 1 :]}
        request = replace(request, headers=headers)
    with pytest.raises(Unproven):
        verify(request, body)


def _chunked(chunks: list[bytes], corrupt: int | None = None) -> tuple[SignedRequest, bytes]:
    """An upload in signed chunks, as SDKs for Java and .NET send them."""
    head = {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "content-encoding": "aws-chunked"}
    request = AWSRequest(method="PUT", url=f"http://{HOST}/bucket/key", headers={"host": HOST})

    class Auth(S3SigV4Auth):
        def payload(self, request: Any) -> str:
            return head["x-amz-content-sha256"]

    auth = Auth(Credentials(ACCOUNT, SECRET), "s3", "us-east-1")
    request.headers["content-encoding"] = head["content-encoding"]
    auth.add_auth(request)
    sent = {name.lower(): value for name, value in request.headers.items()}
    timestamp, previous = sent["x-amz-date"], sent["authorization"].rpartition("Signature=")[2]
    key = f"AWS4{SECRET}".encode()
    for part in (timestamp[:8], "us-east-1", "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    body, empty = b"", hashlib.sha256(b"").hexdigest()
    for number, chunk in enumerate([*chunks, b""]):
        scope, digest = f"{timestamp[:8]}/us-east-1/s3/aws4_request", hashlib.sha256(chunk).hexdigest()
        text = "\n".join(("AWS4-HMAC-SHA256-PAYLOAD", timestamp, scope, previous, empty, digest))
        previous = hmac.new(key, text.encode(), "sha256").hexdigest()
        written = b"x" * len(chunk) if number == corrupt else chunk
        body += f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + written + b"\r\n"
    return SignedRequest(method="PUT", path="/bucket/key", query="", headers=sent), body


def test_each_chunk_of_an_upload_is_proven() -> None:
    verify(*_chunked([b"first" * 100, b"second"]))
    for corrupt in (0, 1):
        assert refused(*_chunked([b"first" * 100, b"second"], corrupt)) == "SignatureDoesNotMatch"
    request, body = _chunked([b"first"])
    for cut in (body[:-5], body + b"x", b"", b"zz", body.replace(b"first", b"firs")):
        assert refused(request, cut) == "SignatureDoesNotMatch"


def test_an_unsigned_body_is_for_s3_only() -> None:
    unsigned = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    assert refused(signed("ssm", headers={**JSON, **unsigned})) == "UnsupportedSignature"
    for value in ("", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "A" * 64):
        assert refused(signed(headers={**JSON, "x-amz-content-sha256": value})) == "UnsupportedSignature"


def test_the_hash_that_was_signed_is_that_of_the_body() -> None:
    declared = {**JSON, "x-amz-content-sha256": hashlib.sha256(b"{}").hexdigest()}
    verify(signed(headers=declared))
    assert refused(signed(headers=declared), b"{ }") == "SignatureDoesNotMatch"
