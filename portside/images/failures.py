"""What can go wrong when an image is looked up: a sentence for each, and what to do about it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from portside.errors import UserError
from portside.images.access import TOKEN_VARIABLE
from portside.images.resolved_image import PLATFORM

_MOST_NAMES = 5
_MOST_FAULTS = 3
_MOST_COMPARED = 5000
_RELEASE = re.compile(r"v?\d+\.\d+\.\d+(?:-?[a-z]+\.?\d*)?")
_WITHOUT_TOKEN = f"Public images are found without a token too: unset {TOKEN_VARIABLE}."
_WRONG_SERVER = "Look whether the address is right, and whether a proxy or a login page answers in its place."
_TOKEN_PAGE = "https://github.com/settings/tokens"  # nosec B105 # where a person makes one


class Kind(StrEnum):
    """What went wrong, for whoever acts on it."""

    TOKEN_NEEDED = "token needed"  # nosec B105 # the name of a failure
    TOKEN_REFUSED = "token refused"  # nosec B105 # the name of a failure
    TOKEN_EXPIRED = "token expired"  # nosec B105 # the name of a failure
    TOKEN_TYPE = "wrong type of token"  # nosec B105 # the name of a failure
    SCOPE_MISSING = "scope missing"
    SSO_NEEDED = "single sign-on needed"
    BLOCKED = "blocked"
    NOT_PUBLIC = "not public"
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
    """Why an image was not found: a sentence that follows the image's name, and what to do."""

    kind: Kind
    sentence: str
    hint: str = ""


class Failed(Exception):
    """One image cannot be looked up."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence)
        self.failure = failure


class FailedInPassing(Failed):
    """What may go well when it is tried again, after `wait_seconds` where the server says so."""

    def __init__(self, failure: Failure, wait_seconds: float | None = None) -> None:
        super().__init__(failure)
        self.wait_seconds = wait_seconds


class ResolutionFailed(UserError):
    """Images that were not found, by their references; all are told at once."""

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
        """What went wrong: `{Kind.TAG_UNKNOWN}` where the images are only not there yet."""
        return frozenset(failure.kind for failure in self.failures.values())


def several_times(failure: Failure, times: int) -> Failure:
    """A failure that was met more than once."""
    return replace(failure, sentence=f"{failure.sentence} (tried {times} times)") if times > 1 else failure


def token_needed(host: str, status: int, *, has_token: bool) -> Failure:
    """The registry lets nobody read without credentials; it says the same of what does not exist."""
    look = (
        "" if has_token else f" With {TOKEN_VARIABLE} set (scope read:packages) a lookup on ghcr.io tells which it is."
    )
    return Failure(
        Kind.TOKEN_NEEDED,
        f"{host} lets nobody read it without credentials (HTTP {status}): it is private or does not exist",
        f"Check the name, or make the package public: ECS pulls without credentials.{look}",
    )


def not_public(host: str, status: int) -> Failure:
    """The package exists, but only for those who have a token."""
    return Failure(
        Kind.NOT_PUBLIC,
        f"is not public: {host} lets nobody read it without credentials (HTTP {status})",
        "Make the package public in its settings on GitHub: ECS pulls without credentials.",
    )


def token_refused(host: str) -> Failure:
    return Failure(
        Kind.TOKEN_REFUSED,
        f"{host} refuses the token (HTTP 401)",
        f"Make a new classic token with the scope read:packages at {_TOKEN_PAGE}. {_WITHOUT_TOKEN}",
    )


def token_expired(host: str) -> Failure:
    return Failure(
        Kind.TOKEN_EXPIRED,
        f"{host} says that the token has expired (HTTP 401)",
        f"Make a new classic token with the scope read:packages at {_TOKEN_PAGE}. {_WITHOUT_TOKEN}",
    )


def scope_missing(host: str) -> Failure:
    return Failure(
        Kind.SCOPE_MISSING,
        f"the token lacks the scope read:packages for {host} (HTTP 403)",
        f"Add the scope to the token at {_TOKEN_PAGE}. {_WITHOUT_TOKEN}",
    )


def wrong_token_type(host: str) -> Failure:
    return Failure(
        Kind.TOKEN_TYPE,
        f"{host} gives no packages to this kind of token (HTTP 403)",
        f"A classic token with the scope read:packages is needed, from {_TOKEN_PAGE}; in GitHub Actions the job needs "
        f"the permission packages: read. {_WITHOUT_TOKEN}",
    )


def sso_needed(host: str, address: str | None) -> Failure:
    """`address` is where the token can be authorized, without its query."""
    where = f"at {address}" if address else f"at {_TOKEN_PAGE}, under “Configure SSO”"
    return Failure(
        Kind.SSO_NEEDED,
        f"the organisation wants the token authorized for single sign-on ({host}, HTTP 403)",
        f"Authorize it {where}. {_WITHOUT_TOKEN}",
    )


def blocked(host: str, status: int) -> Failure:
    why = ", for legal reasons" if status == 451 else ""
    return Failure(
        Kind.BLOCKED,
        f"{host} blocks the access{why} (HTTP {status})",
        "Ask the owner of the package whether it may be read, and look whether a proxy stands between.",
    )


def package_unknown(host: str, path: str, existing: Iterable[str] = ()) -> Failure:
    """`existing` are the names of the owner's packages, as far as they are known."""
    name = path.partition("/")[2] or path
    near = difflib.get_close_matches(name, list(existing)[:_MOST_COMPARED], n=_MOST_NAMES, cutoff=0.5)
    hint = (
        f"Nearest are: {', '.join(near)}." if near else "Check the name in the configuration, and who owns the package."
    )
    return Failure(Kind.PACKAGE_UNKNOWN, f"{host} knows no image {path} (HTTP 404)", hint)


def tag_unknown(
    host: str, tag: str, existing: Sequence[str], *, read_all: bool = True, faults: Sequence[str] = ()
) -> Failure:
    """`existing` are the image's tags, the newest first; `read_all` says that there are no others.

    `faults` are what is wrong with the answers, because of which there may be others after all.
    """
    failure = _tag_unknown(host, tag, existing, read_all=read_all)
    if not faults:
        return failure
    more = f" and {len(faults) - _MOST_FAULTS} more" if len(faults) > _MOST_FAULTS else ""
    said = f"{failure.sentence}; not all of its answer can be read: {'; '.join(faults[:_MOST_FAULTS])}{more}"
    return replace(failure, sentence=said)


def _tag_unknown(host: str, tag: str, existing: Sequence[str], *, read_all: bool) -> Failure:
    among = "" if read_all else f" among its newest {len(existing)} tags"
    newest = f" Newest are: {', '.join(names)}." if (names := _newest(existing)) else " It has no tag at all."
    if not existing and not read_all:
        newest = ""
    if tag == "edge":
        return Failure(
            Kind.TAG_UNKNOWN,
            f"no image on {host} carries edge{among}",
            f"A merge to the monorepo's main publishes it.{newest}",
        )
    near = _nearest(tag, existing)
    hint = f"Nearest are: {', '.join(near)}." if near else f"Check the version in the configuration.{newest}"
    return Failure(Kind.TAG_UNKNOWN, f"{host} has no tag {tag}{among} (HTTP 404)", hint)


def content_missing(host: str, digest: str) -> Failure:
    return Failure(
        Kind.CONTENT_MISSING,
        f"{host} has nothing under {digest} (HTTP 404)",
        "It was deleted, or is just being replaced: look at the package's versions, then run the command again.",
    )


def wrong_platform(platforms: Iterable[str]) -> Failure:
    there = ", ".join(dict.fromkeys(platforms)) or "no platform at all"
    return Failure(
        Kind.WRONG_PLATFORM,
        f"there is no image for {PLATFORM}, only for {there}",
        f"Publish the image for {PLATFORM}, which Fargate runs.",
    )


def malformed(address: str, came: str) -> Failure:
    """`came` is the type of what came, and what is wrong with it."""
    return Failure(Kind.MALFORMED, f"{address} answered with {came}", _WRONG_SERVER)


def unexpected(address: str, status: int) -> Failure:
    return Failure(Kind.MALFORMED, f"{address} answered with HTTP {status}, which has no meaning here", _WRONG_SERVER)


def mismatch(address: str, digest: str) -> Failure:
    return Failure(
        Kind.MISMATCH,
        f"{address} sent content that is not that of {digest}",
        "Somebody changed it on the way or in the registry. Don't deploy it; ask the registry's owner.",
    )


def cut_short(address: str) -> Failure:
    return Failure(Kind.CUT_SHORT, f"{address} broke off in the middle of its answer", "Run the same command again.")


def rate_limited(host: str, status: int, until: datetime | None, *, token_helps: bool) -> Failure:
    """`until` is when more may be asked, in local time; `token_helps` says that with a token more may be asked."""
    when = f" until {until:%H:%M:%S}" if until else ""
    if until and until.date() != datetime.now(UTC).astimezone(until.tzinfo).date():
        when = f" until {until:%Y-%m-%d %H:%M:%S}"
    return Failure(
        Kind.RATE_LIMITED,
        f"{host} was asked too much and answers no more{when} (HTTP {status})",
        f"Set {TOKEN_VARIABLE} (a classic token with the scope read:packages): with one more may be asked. Or wait."
        if token_helps
        else "Wait, then run the same command again.",
    )


def server_error(host: str, status: int) -> Failure:
    return Failure(
        Kind.SERVER_ERROR,
        f"{host} has a problem of its own (HTTP {status})",
        "Look at https://www.githubstatus.com if it is GitHub's, and run the same command again later.",
    )


def unreachable(host: str, reason: str) -> Failure:
    return Failure(
        Kind.UNREACHABLE,
        f"{host} cannot be reached: {reason}",
        "Look at the network, a proxy's settings and the address, then run the same command again.",
    )


def too_slow(address: str, what: str) -> Failure:
    """`what` is what did not come in time."""
    return Failure(Kind.TOO_SLOW, f"{address} is too slow: {what}", "Run the same command again later.")


def deadline_passed(waiting_for: Sequence[str], seconds: float) -> Failure:
    """`waiting_for` are the addresses from which an answer was still to come."""
    waited = " and ".join(waiting_for) or "its turn"
    return Failure(
        Kind.TOO_SLOW,
        f"not found within {seconds:g} s, still waiting for {waited}",
        "Look at the network, then run the same command again.",
    )


def endless(address: str, most_bytes: int) -> Failure:
    return Failure(
        Kind.ENDLESS,
        f"{address} sent more than {most_bytes:,} bytes and did not end",
        "Look whether the address is right: no answer of a registry is that long.",
    )


def leads_elsewhere(address: str, other_host: str, *, with_token: bool) -> Failure:
    why = "where the token is not sent" if with_token else "which is not followed, since nothing proves what is there"
    return Failure(
        Kind.LEADS_ELSEWHERE,
        f"{address} redirects to {other_host}, {why}",
        "Give the address of the server that answers itself.",
    )


def too_many_redirects(address: str, most: int) -> Failure:
    return Failure(
        Kind.TOO_MANY_REDIRECTS,
        f"{address} redirects more than {most} times",
        _WRONG_SERVER,
    )


def redirects_in_a_circle(address: str, back: str) -> Failure:
    return Failure(Kind.TOO_MANY_REDIRECTS, f"{address} redirects in a circle, back to {back}", _WRONG_SERVER)


def pages_in_a_circle(address: str, count: int) -> Failure:
    """`count` is how many pages were read before one came again."""
    return Failure(
        Kind.ENDLESS,
        f"{address} lists its pages in a circle: after {count} the next one is one that was read already",
        _WRONG_SERVER,
    )


def _nearest(tag: str, existing: Sequence[str]) -> list[str]:
    """Tags like the one wanted; for a release first other releases."""
    compared = existing[:_MOST_COMPARED]
    pools = [compared]
    if _RELEASE.fullmatch(tag):
        pools = [[each for each in compared if _RELEASE.fullmatch(each)], compared]
    found = [each for pool in pools for each in difflib.get_close_matches(tag, pool, n=_MOST_NAMES, cutoff=0.6)]
    return list(dict.fromkeys(found))[:_MOST_NAMES]


def _newest(existing: Sequence[str]) -> list[str]:
    """The first tags that a person would ask for; a commit's own only where there are no others."""
    of_commits = [each for each in existing if each.startswith("sha-")]
    named = [each for each in existing if not each.startswith("sha-")]
    return (named or of_commits)[:_MOST_NAMES]
