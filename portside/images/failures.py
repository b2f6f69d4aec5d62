"""The failures of a lookup of an image: a sentence and a hint for each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from portside.errors import UserError
from portside.images.access import TOKEN_VARIABLE, Login
from portside.images.resolved_image import PLATFORM

_MOST_NAMES = 5
_MOST_FAULTS = 3
_MOST_COMPARED = 5000
_RELEASE = re.compile(r"v?\d+\.\d+\.\d+(?:-?[a-z]+\.?\d*)?")
_WITHOUT_TOKEN = f"Public images need no token: unset {TOKEN_VARIABLE}."
_WRONG_SERVER = "Check the address, and whether a proxy or a login page answers instead."
_TOKEN_PAGE = "https://github.com/settings/tokens"  # nosec B105 # the page to create one
_NEW_TOKEN = f"Create a classic token with the scope read:packages at {_TOKEN_PAGE}. {_WITHOUT_TOKEN}"
_RUN_AGAIN = "Run the same command again."
_RUN_LATER = "Run the same command again later."


class Kind(StrEnum):
    """The kind of a failure, for callers that handle it."""

    TOKEN_NEEDED = "token needed"  # nosec B105 # the name of a failure
    TOKEN_REFUSED = "token refused"  # nosec B105 # the name of a failure
    TOKEN_EXPIRED = "token expired"  # nosec B105 # the name of a failure
    TOKEN_TYPE = "wrong type of token"  # nosec B105 # the name of a failure
    SCOPE_MISSING = "scope missing"
    SSO_NEEDED = "single sign-on needed"
    BLOCKED = "blocked"
    NOT_PUBLIC = "not public"
    LOGIN_REFUSED = "the task's login is refused"
    LOGIN_UNUSABLE = "no usable login for this lookup"
    PACKAGE_UNKNOWN = "package unknown"
    TAG_UNKNOWN = "tag unknown"
    CONTENT_MISSING = "content missing"
    WRONG_PLATFORM = "wrong platform"
    MALFORMED = "malformed answer"
    MISMATCH = "content does not match its digest"
    CUT_SHORT = "cut short"
    RATE_LIMITED = "rate limited"
    SERVER_ERROR = "server error"
    UNREACHABLE = "unreachable"
    TOO_SLOW = "too slow"
    ENDLESS = "endless"
    LEADS_ELSEWHERE = "redirected to another host"
    TOO_MANY_REDIRECTS = "too many redirects"


@dataclass(frozen=True)
class Failure:
    """Why an image was not found: a sentence that follows the image's name, and a hint."""

    kind: Kind
    sentence: str
    hint: str = ""


class Failed(Exception):
    """The lookup of one image failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence)
        self.failure = failure


class TemporarilyFailed(Failed):
    """A failure that can be retried, after `wait_seconds` if the server sets a time."""

    def __init__(self, failure: Failure, wait_seconds: float | None = None) -> None:
        super().__init__(failure)
        self.wait_seconds = wait_seconds


class ResolutionFailed(UserError):
    """The failures of all images by their references."""

    def __init__(self, failures: Mapping[str, Failure], labels: Mapping[str, str]) -> None:
        self.failures = dict(failures)
        sharing: dict[str, list[str]] = {}
        for reference, failure in failures.items():
            sharing.setdefault(failure.sentence, []).append(labels[reference])
        lines = (f"{', '.join(dict.fromkeys(names))}: {sentence}" for sentence, names in sharing.items())
        hints = dict.fromkeys(failure.hint for failure in failures.values() if failure.hint)
        super().__init__("\n".join(lines), "\n".join(hints))

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of the failures: `{Kind.TAG_UNKNOWN}` if the images only don't exist yet."""
        return frozenset(failure.kind for failure in self.failures.values())


@dataclass(frozen=True)
class _Text:
    """The sentence and hint of a failure, with the names of values in braces."""

    kind: Kind
    sentence: str
    hint: str

    def __call__(self, **values: object) -> Failure:
        return Failure(self.kind, self.sentence.format(**values), self.hint.format(**values))


not_public = _Text(
    Kind.NOT_PUBLIC,
    "is not public: {host} requires credentials (HTTP {status})",
    "Make the package public in its settings on GitHub, or set registry_credentials, with which ECS then pulls.",
)
token_refused = _Text(Kind.TOKEN_REFUSED, "{host} rejects the token (HTTP 401)", _NEW_TOKEN)
token_expired = _Text(Kind.TOKEN_EXPIRED, "the token for {host} has expired (HTTP 401)", _NEW_TOKEN)
scope_missing = _Text(
    Kind.SCOPE_MISSING,
    "the token lacks the scope read:packages for {host} (HTTP 403)",
    f"Add the scope to the token at {_TOKEN_PAGE}. {_WITHOUT_TOKEN}",
)
wrong_token_type = _Text(
    Kind.TOKEN_TYPE,
    "{host} does not allow this type of token to read packages (HTTP 403)",
    f"Create a classic token with the scope read:packages at {_TOKEN_PAGE}; in GitHub Actions, the job needs the "
    f"permission packages: read. {_WITHOUT_TOKEN}",
)
blocked = _Text(
    Kind.BLOCKED,
    "{host} blocks the access (HTTP {status})",
    "Ask the owner of the package for access, and check whether a proxy answers instead.",
)
blocked_for_legal_reasons = replace(blocked, sentence="{host} blocks the access for legal reasons (HTTP {status})")
content_missing = _Text(
    Kind.CONTENT_MISSING,
    "{host} has no content with {digest} (HTTP 404)",
    "It was deleted, for example by a lifecycle policy, or is being replaced: check the package's versions, then run "
    "the same command again.",
)
wrong_platform = _Text(
    Kind.WRONG_PLATFORM,
    f"there is no image for {PLATFORM}, only for {{platforms}}",
    f"Publish the image for {PLATFORM}, the platform of Fargate.",
)
malformed = _Text(Kind.MALFORMED, "{address} answered with {answer}", _WRONG_SERVER)
unexpected = _Text(Kind.MALFORMED, "{address} answered with an unexpected status, HTTP {status}", _WRONG_SERVER)
mismatch = _Text(
    Kind.MISMATCH,
    "{address} sent content that does not match {digest}",
    "It was changed in transit or in the registry. Don't deploy it; ask the registry's owner.",
)
cut_short = _Text(Kind.CUT_SHORT, "{address} closed the connection during its answer", _RUN_AGAIN)
server_error = _Text(
    Kind.SERVER_ERROR,
    "{host} has an internal error (HTTP {status})",
    "Check https://www.githubstatus.com if it is GitHub's, and run the same command again later.",
)
unreachable = _Text(
    Kind.UNREACHABLE,
    "{host} can't be reached: {reason}",
    "Check the network, the proxy settings and the address, then run the same command again.",
)
too_slow = _Text(Kind.TOO_SLOW, "{address} is too slow: {missing}", _RUN_LATER)
endless = _Text(
    Kind.ENDLESS,
    "{address} sent more than {most_bytes:,} bytes and did not end",
    "Check the address: a registry does not send such long answers.",
)
leads_elsewhere = _Text(
    Kind.LEADS_ELSEWHERE, "{address} redirects to {host}, {reason}", "Use the address of the server that answers."
)
too_many_redirects = _Text(Kind.TOO_MANY_REDIRECTS, "{address} redirects more than {most} times", _WRONG_SERVER)
redirects_in_a_cycle = _Text(Kind.TOO_MANY_REDIRECTS, "{address} redirects in a cycle, back to {target}", _WRONG_SERVER)
pages_in_a_cycle = _Text(
    Kind.ENDLESS, "{address} lists its pages in a cycle: the next page after {count} was already read", _WRONG_SERVER
)


def repeated(failure: Failure, times: int) -> Failure:
    """A failure with the number of attempts."""
    return replace(failure, sentence=f"{failure.sentence} (tried {times} times)") if times > 1 else failure


def token_needed(host: str, status: int, *, has_token: bool) -> Failure:
    """A registry answers this for private images, and for images that don't exist."""
    lookup = "" if has_token else f" With {TOKEN_VARIABLE} (scope read:packages), a lookup on ghcr.io shows which."
    return Failure(
        Kind.TOKEN_NEEDED,
        f"{host} requires credentials (HTTP {status}): it is private or does not exist",
        "Check the name, make the package public, or set registry_credentials: without them ECS pulls anonymously."
        f"{lookup}",
    )


def login_rejected(host: str, login: Login) -> Failure:
    """A registry answers this for a wrong user name or password."""
    sentence = f"{host} rejects the user name or password of {login.source} (HTTP 401)"
    return Failure(_kind_of(login), sentence, login.hint)


def login_denied(host: str, status: int, login: Login, right: str = "") -> Failure:
    """`right` is the missing right, if the registry names it."""
    lacking = f": the right {right} is missing" if right else ", or has no such image"
    sentence = f"{host} does not let {login.source} pull it{lacking} (HTTP {status})"
    return Failure(_kind_of(login), sentence, login.hint)


def no_login(sentence: str, hint: str) -> Failure:
    """The credentials for this lookup are missing; the task may have some."""
    return Failure(Kind.LOGIN_UNUSABLE, sentence, hint)


def _kind_of(login: Login) -> Kind:
    return Kind.LOGIN_REFUSED if login.is_of_task else Kind.LOGIN_UNUSABLE


def sso_needed(host: str, address: str | None) -> Failure:
    """`address` is the page to authorize the token, without its query."""
    where = f"at {address}" if address else f"at {_TOKEN_PAGE}, under “Configure SSO”"
    return Failure(
        Kind.SSO_NEEDED,
        f"the organisation requires the token to be authorized for single sign-on ({host}, HTTP 403)",
        f"Authorize it {where}. {_WITHOUT_TOKEN}",
    )


def package_unknown(host: str, path: str, existing: Iterable[str] = ()) -> Failure:
    """`existing` are the known names of the owner's packages."""
    name = path.partition("/")[2] or path
    near = difflib.get_close_matches(name, list(existing)[:_MOST_COMPARED], n=_MOST_NAMES, cutoff=0.5)
    hint = (
        f"Similar are: {', '.join(near)}." if near else "Check the name in the configuration, and its owner or account."
    )
    return Failure(Kind.PACKAGE_UNKNOWN, f"{host} has no image {path} (HTTP 404)", hint)


def tag_unknown(
    host: str, tag: str, existing: Sequence[str], *, read_all: bool = True, faults: Sequence[str] = ()
) -> Failure:
    """`existing` are the image's tags, the newest first; with `read_all` there are no others.

    `faults` are errors in the answers, because of which there can be other tags.
    """
    failure = _tag_unknown(host, tag, existing, read_all=read_all)
    if not faults:
        return failure
    more = f" and {len(faults) - _MOST_FAULTS} more" if len(faults) > _MOST_FAULTS else ""
    sentence = f"{failure.sentence}; part of its answer can't be read: {'; '.join(faults[:_MOST_FAULTS])}{more}"
    return replace(failure, sentence=sentence)


def _tag_unknown(host: str, tag: str, existing: Sequence[str], *, read_all: bool) -> Failure:
    among = "" if read_all else f" among its newest {len(existing)} tags"
    newest = f" Newest are: {', '.join(names)}." if (names := _newest(existing)) else " It has no tags."
    if not existing and not read_all:
        newest = ""
    if tag == "edge":
        return Failure(
            Kind.TAG_UNKNOWN,
            f"no image on {host} has the tag edge{among}",
            f"A merge to the monorepo's main publishes it.{newest}",
        )
    near = _nearest(tag, existing)
    hint = f"Similar are: {', '.join(near)}." if near else f"Check the version in the configuration.{newest}"
    return Failure(Kind.TAG_UNKNOWN, f"{host} has no tag {tag}{among} (HTTP 404)", hint)


def rate_limited(
    host: str, status: int, until: datetime | None, *, token_helps: bool, login_helps: bool = False
) -> Failure:
    """`until` is the end of the limit in local time; with a token or a login the limit can be higher."""
    when = f" until {until:%H:%M:%S}" if until else ""
    if until and until.date() != datetime.now(UTC).astimezone(until.tzinfo).date():
        when = f" until {until:%Y-%m-%d %H:%M:%S}"
    return Failure(
        Kind.RATE_LIMITED,
        f"{host} limits the rate of requests{when} (HTTP {status})",
        f"Set {TOKEN_VARIABLE} (a classic token with the scope read:packages) for a higher limit, or wait."
        if token_helps
        else "Wait, then run the same command again."
        + (" With registry_credentials the limit is higher, for tasks too." if login_helps else ""),
    )


def deadline_passed(waiting_for: Sequence[str], seconds: float) -> Failure:
    """`waiting_for` are the addresses that have not answered."""
    waited = " and ".join(waiting_for) or "other images"
    return Failure(
        Kind.TOO_SLOW,
        f"not found within {seconds:g} s, still waiting for {waited}",
        "Check the network, then run the same command again.",
    )


def _nearest(tag: str, existing: Sequence[str]) -> list[str]:
    """The tags that are similar; for a release, other releases first."""
    compared = existing[:_MOST_COMPARED]
    pools = [compared]
    if _RELEASE.fullmatch(tag):
        pools = [[each for each in compared if _RELEASE.fullmatch(each)], compared]
    found = [each for pool in pools for each in difflib.get_close_matches(tag, pool, n=_MOST_NAMES, cutoff=0.6)]
    return list(dict.fromkeys(found))[:_MOST_NAMES]


def _newest(existing: Sequence[str]) -> list[str]:
    """The newest tags, without those of commits if there are others."""
    of_commits = [each for each in existing if each.startswith("sha-")]
    named = [each for each in existing if not each.startswith("sha-")]
    return (named or of_commits)[:_MOST_NAMES]
