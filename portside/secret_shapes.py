"""Recognizes secrets by their content. Each row of the table hides its group `hide`."""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]

_PREFIXES = r"""
    gh[pousr]_ github_pat_ gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct)- xox[a-z]- xoxe\. xapp-\d- npm_ pypi-
    [srp]k_(?:live|test)_ whsec_ AIza ya29\. GOCSPX- 1//0 hf_ gsk_ xai- r8_ do[oprt]_v1_ hv[sbr]\. shp(?:at|ss|ca|pa)_
    lin_api_ ntn_ sq0(?:csp|atp)- EAAA dckr_(?:pat|oat)_ AGE-SECRET-KEY-1 gl(?:sa|c)_ sntry[su]_ PMAK- rubygems_
    ATATT3x ATBB figd_ pul- sgp_ CFPAT- oy2 NRAK- NRJS- pat-[a-z]{2}\d- tfp_ ph[cx]_ secret_ sbp_ v1\.0- fio-u-
    pscale_(?:tkn|pw)_ key- LTAI ops_ey SG\. ntfy_tk_ nfp_ dp\.(?:pt|st|ct|sa|scim)\. mdb_sa_sk_ CLOJARS_
    sk-(?:proj|ant|or|svcacct|admin|lf)-
    """
_TOKEN_PREFIXES = "|".join(_PREFIXES.split())

# (words of which one must be in the text in lowercase, the pattern). These are credentials for certain:
_CREDENTIALS: tuple[tuple[str, str], ...] = (
    (
        "gh github glpat xox k_live",
        r"(?<![\w.-])(?P<hide>(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|[sr]k_live_)"
        r"[\w-]{10,}+)",
    ),
    ("akia asia", r"(?<![A-Za-z0-9])(?P<hide>A(?:KI|SI)A[0-9A-Z]{16})(?![0-9A-Za-z])"),
    (
        "private key",
        r"(?P<hide>-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?:(?!-----END).)*+"
        r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z -]{0,12})?)",
    ),
    ("eyj", r"(?P<hide>\beyJ[\w-]{10,}+\.eyJ[\w-]{4,}+(?:\.[\w-]*+){0,3})"),
    ("hooks.slack.com", r"(?P<hide>hooks\.slack\.com/(?:services|workflows|triggers)/[^\s\"'<>]++)"),
    ("://", r"://[^/\s:@\"']{0,200}+:(?P<hide>(?!\$[A-Z{]|<|%[(a-z]|\{)[^/\s:@\"']{1,200}+)@"),
)
_PROBABLE: tuple[tuple[str, str], ...] = (
    # Tokens by their prefixes. At the end of a text they can be cut.
    ("", rf"(?<![A-Za-z0-9_/.-])(?P<hide>(?:{_TOKEN_PREFIXES})(?=[\w.%/+-]{{0,40}}[0-9A-Z])[\w.%/+=-]{{16,}}+)"),
    ("", rf"(?<![A-Za-z0-9_/.-])(?P<hide>(?:{_TOKEN_PREFIXES})[\w%/+-]{{1,200}}+)(?:\.\.\.|…)?$"),
    ("sk-", r"(?<![A-Za-z0-9_-])(?P<hide>sk-(?=[\w-]{0,40}\d)[\w-]{16,}+)"),
    ("sk dapi", r"(?<![A-Za-z0-9])(?P<hide>(?:SK|dapi)[0-9a-f]{32}\b)"),
    ("akia asia", r"(?<![A-Za-z0-9])(?P<hide>A[KS]IA[0-9A-Z]{2,15})(?:\.\.\.|…)?$"),
    ("iqoj fwogzx fqogzx", r"(?P<hide>(?:FwoGZXIvYXdz|FQoGZXIvYXdz|IQoJ(?:b3J|(?=[\w/+%]{20})))[\w/+=%]*+)"),
    # 40 characters of base64 of all kinds, unlike the digest of a commit.
    (
        "",
        r"(?<![\w/+=.-])(?P<hide>(?=[A-Za-z0-9/+]{40}(?![\w/+]))(?=[a-z0-9/+]{0,39}[A-Z])(?=[A-Z0-9/+]{0,39}[a-z])"
        r"(?=[A-Za-z/+]{0,39}\d)(?![A-Za-z0-9/+]{0,32}[a-z]{8})[A-Za-z0-9/+]{40}={0,2})",
    ),
    ("eyj", r"(?P<hide>\beyJ[\w-]{8,}+(?:\.[\w-]*+){0,4})"),
    ("bot", r"(?P<hide>\bbot\d{8,12}:[\w-]{30,60})"),
    ("webhook", r"(?P<hide>(?:discord(?:app)?\.com/api/webhooks|webhook\.office\.com/\w{1,20})/[^\s\"'<>]++)"),
    ("$", r"(?P<hide>\$(?:2[abxy]?|1|5|6|7|y|argon2\w{0,3}|scrypt|pbkdf2[\w-]{0,10})\$[\w./$,=+-]{8,}+)"),
    ("$", r"(?P<hide>\b(?:pbkdf2_\w{1,10}|bcrypt_sha256|scrypt|argon2)\$[\w./$,=+-]{8,}+)"),
    # After a word such as "bearer".
    (
        "bearer",
        r"(?i)\bbearer[ :=]{1,4}+(?!(?:token|auth|is|not|and|or|realm|error|scheme)\w*\b)(?P<hide>[^\s\"',;<>)}]{3,}+)",
    ),
    ("basic", r"(?i)\bbasic\s(?P<hide>(?=[A-Za-z+/]{0,60}[0-9A-Z=])[A-Za-z0-9+/]{8,}+={0,2})"),
    # The configuration of `docker login`.
    ("auth", r"""(?i)["']auth["']\s?:\s?["'](?P<hide>[A-Za-z0-9+/]{8,}+={0,2})["']"""),
    ("auth", r"(?i)\bauth\s(?:plain|login|cram-md5|xoauth2)\s(?:[a-z]{1,20}+:\s[\"']?)?(?P<hide>[^\s\"']++)"),
    # A call with a user and a password.
    (
        "(",
        r"(?i)\b(?:log_?in|sign_?in|auth|authenticate|basic_?auth|httpbasicauth|passwordauth|createuser|changeuserpassword)"
        r"\(\s?[^,()\n]{1,100}+,\s?+[\"']?+"
        r"(?P<hide>(?!(?:res|next|cb|callback|done|opts?|options|err(?:or)?|ctx|config|pass\w*|secret|token)\b)[^\"',()\n]++)",
    ),
    ("header", r"(?i)\binvalid header field value\s[\"'](?P<hide>[^\"'\n]++)"),
    ("jwt.", r"(?i)\bjwt\.(?:sign|verify|encode|decode)\([^\n]{1,200}?,\s?[\"'](?P<hide>[^\"'\n]++)"),
    (
        "credential",
        r"(?i)\bcredentials?\s?[:=]\s?[\"']?(?!(?:not?|none|missing|invalid|expired|unable|could|the|from)\b)[^\s,/:\"']{1,64}+"
        r"[\"']?\s?[/:,]\s?+[\"']?+(?P<hide>[^\s\"')]++)",
    ),
    (
        "password",
        r"(?i)\b(?:chang|sett|resett?)ing\s(?:the\s)?password\s(?:for|of)\s\S{1,80}+\sto\s[\"']?(?P<hide>[^\s\"']++)",
    ),
    # Except the result of a test.
    (
        "pass",
        r"(?:^|[^-\w\s]\s|\w\s)PASS\s?[:=]\s?[\"']?"
        r"(?P<hide>(?![\w./:-]{0,80}(?i:test|spec|check)|\d{1,3}\b|YES|NO)[^\s\"',;]++)",
    ),
    # One-time codes.
    (
        "pin otp code passcode",
        r"(?i)\b(?:pin|otp|passcode|(?:one[ -]time|verification|security|access|confirmation|mfa|2fa|login"
        r"|auth\w{0,12})\s(?:pass)?code)(?:\s(?:is|was|code))?\s?[:=]?\s?[\"']?(?P<hide>\d{4,12}(?![\d.:/-]\w))",
    ),
    (
        "pass secret tok cred",
        r"(?i)(?:pass(?:word|wd|phrase)?|secret|token|credentials?)\.{3,200}+(?P<hide>[^\s,;.][^\s,;]*+)",
    ),
    ("securestring", r"(?i)\bSecureString\b[^{}\n]{0,200}?[\"']value[\"']\s?:\s?[\"'](?P<hide>[^\"'\n]++)"),
    ("--password-stdin", r"--password-stdin\s{0,4}+<<<\s{0,4}+[\"']?(?P<hide>[^\s\"']++)"),
    (
        "--password-stdin --with-token",
        r"\b(?:echo|printf)\s(?:-n\s)?[\"']?(?P<hide>(?!\$|%s)[^\s\"'|]{1,500}+)[\"']?\s{0,4}+\|[^|\n]{1,200}?--(?:password-stdin|with-token)",
    ),
    ("auth", r"(?:^|[\s:|>])AUTH\s(?!(?:failed|required|error|ok|is|not)\b)(?:[\w.-]{1,40}\s)?(?P<hide>\S++)$"),
    ("signature=", r"(?i)\bSignature=(?P<hide>[0-9a-f]{16,}+|[\w%+/=-]{20,}+)"),
    (
        "= sig code key auth sas x-",
        r"(?i)[?&;](?:sig|signature|x-amz-signature|x-amz-credential|x-goog-signature|code|key|auth|sas)=(?P<hide>[^&\s\"'<>]++)",
    ),
    ("password", r"(?i)\bmachine\s\S{1,255}+\s+login\s\S{1,255}+\s+password\s(?P<hide>\S++)"),
    ("password", r"(?i)^\s*(?:password|passwd)\s(?P<hide>\S++)$"),
    ("redis", r"\brediss?://(?P<hide>[^\s/:@\"'<>]{1,200}+)@"),
    (
        "key token passcode password",
        r"(?i:\b(?:(?:private|api|access|secret|encryption|license|signing|with)\s?key|token|password|passcode)\s[\"']?)"
        r"(?P<hide>(?=\w{0,40}\d)(?=\w{0,40}[a-z])(?=\w{0,40}[A-Z])[\w+/=-]{10,}+)",
    ),
    ("pass", r"(?i)\bpass(?:word|phrase|code)\s(?:for|of)\s[^:=\n]{1,60}+[:=]\s?[\"']?(?P<hide>[^\s\"',;]++)"),
    (
        "with",
        r"(?i)\bwith\s(?:the\s)?password\s[\"']?"
        r"(?P<hide>(?!(?:auth\w*|for|is|from|in|of|that|and|to|hash\w*|or)\b)[^\s\"',;]++)",
    ),
    (
        "requirepass masterauth set",
        r"(?i)\b(?:requirepass|masterauth|set\s(?:[\w.-]{0,40}(?:password|token|secret|access_key)))\s[\"']?"
        r"(?P<hide>(?!(?:for|is|from|in|of|that|and|to|or)\b)[^\s\"',;:=]{3,}+)",
    ),
    (
        "value",
        r"(?i)\bsecret\s(?:\S{1,80}\shas\s)?value\s?[:=]?\s?[\"']?(?P<hide>"
        r"(?!(?:of|from|is|in|for|and|must|does|not|was|could|can|with|at|to|or|has|should|may|that)\b)[^\s\"',;]{3,}+)",
    ),
    # SQL; elsewhere a route is "identified by 0.0.0.0/0".
    ("identified", r"(?i)\bidentified\s+(?:with\s\S{1,80}\s)?(?:by|as)\s+[\"'](?P<hide>[^\"'\n;]++)"),
    ("pwd=", r"(?i)[;{]\s?(?:pwd)=(?P<hide>[^;}\"']++)"),
    (
        ":",
        r"(?:^|\s)(?=[\w-]{0,255}[A-Za-z*])[\w.*-]{1,255}+:(?:\d{2,5}|\*):"
        r"[^\s:]{1,255}+:[^\s:]{1,255}+:(?P<hide>\S++)$",
    ),
    # Options with passwords, of known programs.
    (
        "my maria mongo sshpass 7z zip ldap login redis-cli",
        r"(?i)\b(?:mysql|mariadb|mongo|sshpass|7z|zip|ldap|docker\slogin|redis-cli|podman\slogin|registry\slogin)"
        r"[\w-]{0,20}[^|;\n]{0,100}?\s-[pwa][ =]?[\"']?(?P<hide>[^\s\"'-][^\s\"']*+)",
    ),
    ("-u", r"(?:\s|^|[\"'])(?:-u|--user|--proxy-user)[ =]?[^\s:\"'/]{1,100}+:(?P<hide>[^\s\"']++)"),
    ("-u", r"(?:\s|^)(?:-u|--user|--proxy-user)[ =]?[\"'][^\s:\"'/]{1,100}+:(?P<hide>[^\"'\n]++)"),
    ("http", r"(?i)\bhttps?://(?P<hide>[^\s/:@\"'<>$]{8,500}+)@"),
    ("://", r"://(?P<hide>(?=[^\s/:@]{0,100}\d)[\w%.~+=-]{16,500}+)(?::[^\s@]{0,200}+)?@"),
    ("jdbc:oracle", r"(?i)\bjdbc:oracle:\w{1,10}:[^\s/@\"']{1,100}+/(?P<hide>[^\s@\"']{1,200}+)@"),
    (
        "@",
        r"(?<![\w/:@.+-])(?!mailto:|sip:|acct:)[\w.+-]{1,64}+:(?P<hide>(?!//)[^\s\"'<>@/]{3,100}+)@"
        r"(?:[\w-]{1,60}+:\d|(?:[a-z][\w-]{0,60}\.){1,8}[a-z]{2})",
    ),
    (
        "key token",
        r"(?i)\b(?:api key|access token|secret key|license key)\s"
        r"(?:provided|given|used|sent|is)?\s?[:=]\s?[\"']?(?P<hide>[\w*.+/=-]{6,}+)",
    ),
)
_ROWS = _CREDENTIALS + _PROBABLE
_FORMS = tuple(re.compile(pattern) for _, pattern in _ROWS)
_ALWAYS = tuple(number for number, (needs, _) in enumerate(_ROWS) if not needs)
# The rows to search by the words in the text. Testing each row separately takes longer than the search.
_NEEDING = {
    word: tuple(number for number, (needs, _) in enumerate(_ROWS) if word in needs.split())
    for words, _ in _ROWS
    for word in words.split()
}
_CERTAIN = _FORMS[: len(_CREDENTIALS)]

_ADDRESS = re.compile(r"(?<![\w+.-])([A-Za-z][\w+.-]{0,40}+)://([^\s\"'<>`]++)")
_PORT = re.compile(r"\d{1,5}(?:[/?#,;:)\]}.]|$)")
_PLACEHOLDER = re.compile(r"\$\{?[A-Z]|\$\(|\{\{|<|%\(")


def shaped(text: str) -> Iterator[Span]:
    """The spans of secrets and probable secrets."""
    low = text.lower()
    numbers = set(_ALWAYS)
    numbers.update(*[rows for word, rows in _NEEDING.items() if word in low])
    for number in numbers:
        for match in _FORMS[number].finditer(text):
            yield match.span("hide")
    if "://" in text:
        yield from _in_addresses(text)


def holds_credential(text: str) -> bool:
    """Whether a text contains a credential, with any name."""
    return any(pattern.search(text) for pattern in _CERTAIN)


def _in_addresses(text: str) -> Iterator[Span]:
    """Passwords in addresses. They can contain "/", "@", ":" and "#", so they end at the last "@"."""
    for match in _ADDRESS.finditer(text):
        run, at = match[2], match[2].rfind("@")
        colon = run.find(":")
        begins = match.start(2) + colon + 1
        is_host = bool(re.search(r"[/?#]", run[: max(colon, 0)])) or colon < 0
        if is_host or _PLACEHOLDER.match(run, colon + 1):
            continue
        port = _PORT.match(run, colon + 1)
        if at > colon and not (port and match[1].lower() in ("http", "https")):
            yield begins, match.start(2) + at
        elif at < colon and not port and match.end() == len(text):
            yield begins, len(text)  # cut before its "@"
