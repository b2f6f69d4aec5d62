"""Recognizes names of variables, fields, options and headers whose values are secrets."""

from __future__ import annotations

import re
from functools import lru_cache

_LONGEST_NAME = 80

# The ends of secret names, in words joined by "_". DB_PASSWORD is a secret, PASSWORD_FILE and TOKEN_URL are not.
_SECRET = re.compile(
    r"""(?x)
    (?:^|_)(?: pass | pwd | pw | pat | psw | jwt | otp | sid | salt | pepper | authorization | identified_by )$
    | (?: password | passwd | passwort | kennwort | passphrase | passcode | secret | token | credential | api_?key
        | auth_?key | cookie | contrase\w{1,2}a | senha )s?$
    | (?: db | root | bind | user | admin )(?: pw | pwd | pass )$
    | (?:store|key)_?pass$
    | (?:^|_)(?: private | access | secret | encryption | encrypt | signing | sign | auth | account | master | session
        | jwt | ssh | shared | shared_access | service | admin | license | subscription | hmac | cipher | crypto | app
        | application | client | user | instrumentation | write | ingest | sentry | fernet | vapid | recaptcha | stripe
        | sendgrid | mailgun | twilio | openai | anthropic | algolia | datadog | dd | newrelic
        | new_relic )_?keys?(?:_base|_id_secret)?$
    | (?: secret | connection )_?(?: string | binary | str )$
    | (?:^|_)(?: client_assertion | assertion | session_id | sessionid | sess_id | phpsessid | jsessionid )$
    | (?: ^ | _ )(?: x_amz_signature | x_amz_credential | sas | sig | x_csrf | xsrf )$
    | webhook_url$
    """
)
_ADDITION = re.compile(
    r"_?(?:\d{1,4}|v\d{1,3}|dev|stage|prod|test|old|new|current|previous|value|plain|text|raw|base64|b64|hash|hashed"
    r"|digest|encrypted|enc)$"
)
# Tokens of pages and requests.
_NO_SECRET = re.compile(
    r"public|publishable"
    r"|(?:^|_)(?:next|request|client_request|continuation|page|pagination|starting|cancel|cancellation|sync|resume|idempotency"
    r"|last|first|unexpected|expected|end|eos|bos|pad|unk|stop|key|sort_key|partition_key|cache)_?tokens?$"
)
_COUNT = re.compile(r"(?:max|min|num|total)_|tokens$|^pass$")
_HEADER = re.compile(r"(?:^|_)(?:authorization|cookies?)$")
_PASSWORD = re.compile(r"(?:pass|pwd|pw|password|passwd|passwort|passphrase|passcode|identified_by)s?$")

_NOTHING = re.compile(
    r"""(?ix) true | false | yes | no | on | off | none | null | nil | undefined | \d | (?:en|dis)abled | required
    | optional | empty | \(?unset\)? | missing | \[object\ Object\] | [*•x]{3,} | <[\w -]{1,40}> | \[[\w -]{1,20}\]
    | \$[A-Z_]+ | \$\{[\w.:-]+\} | \$\([\w .-]+\) | %\(?[a-z_]{1,40}\)?s? | \{\{[\w.:\ /-]+\}\} | \{[a-z_]\w{0,40}\}
    | \.{3} | … | arn:aws[\w-]*:(?:secretsmanager|ssm|iam|kms|sts):[^\s]+ | \(?string\)?
    | (?:str|string|bytes|SecretStr)[,;]?
    """
)
# Words that continue a sentence about a secret: "password: authentication failed", "the token is invalid".
_SENTENCE = """
    a an and are as at authentication authenticate authorization auth be been being but by can can't cannot could
    contains couldn't decode denied deprecated did does doesn't don't empty error exceeded expected expired expires
    failed failure for found from given got has have header hidden if in incorrect insufficient invalid is isn't it its
    lacks length literal malformed may message mismatch missing must name neither no nor not null of on only option or
    please pull read refused rejected required requires revoked rotated secret set should signature supplied than that
    the this to too type unable undefined unexpected unknown unset until unsupported using validation value verification
    verify was were when which will with without wrong you your already able access accepted all any because before
    between both changed check checked checking client connection different either encryption end ends every exist
    exists format generated here lookup manager new next now old one out provided provider rotation scheme server stored
    authenticated based created file hash id identity issued login longer manager maximum minimum needs policy refresh
    refreshed reset saved sent shorter sign store updated weak
    begins holds looks names string they there use used user via while whose yet ok rate resource resolve retrieve
    password token key after aws
    """
_PROSE = frozenset(_SENTENCE.split())
_WORD = re.compile(r"[^A-Za-z']*([A-Za-z']+)[,.;:!)\]]*$")


@lru_cache(maxsize=4096)
def normalized(name: str) -> str:
    """A name in lowercase, with its words joined by "_": dbPassword, DB-PASSWORD and db.password are the same."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.strip("-.")[-_LONGEST_NAME:])
    return re.sub(r"[-.\s]", "_", words).lower()


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether the value of this name is a secret."""
    if name in ("PWD", "OLDPWD", "PASS"):
        return False  # the shell's folder, and a test's result
    words = normalized(name)
    if _NO_SECRET.search(words):
        return False
    while (shorter := _ADDITION.sub("", words)) != words and shorter:
        if _SECRET.search(words):
            return True
        words = shorter
    return bool(_SECRET.search(words))


def is_header(name: str) -> bool:
    """Whether the rest of the line is the value."""
    return bool(_HEADER.search(normalized(name)))


def is_password_name(name: str) -> bool:
    """Whether a quoted word after it is the value, without a separator."""
    return bool(_PASSWORD.search(normalized(name)))


def is_plural(name: str) -> bool:
    """Whether a list or mapping with this name is about secrets, and contains none."""
    return normalized(name).endswith("s") and not normalized(name).endswith("pass")


# A file of the user or the output of a command, as printed fixes name them.
_OF_A_FILE = re.compile(r"file://(?:FILE$|<\()")
# The address of a site, without a path, a query or a login: `WEBHOOK_URL` is often the app's own.
_OF_A_SITE = re.compile(r"https?://[\w.-]+(?::\d{1,5})?/?")
# A JSON object to fill in.
_TO_FILL_IN = re.compile(r'\{(?:\s{0,4}"[\w.-]{1,100}"\s{0,4}:\s{0,4}"…"\s{0,4},?){1,50}\}')


def is_harmless(name: str, value: str, *, is_prose: bool = False) -> bool:
    """Whether a value of a secret's name is not a secret: a switch, a count, a placeholder, or part of a sentence."""
    value = value.strip()
    if (
        not value
        or _OF_A_FILE.match(value)
        or any(each.fullmatch(value) for each in (_NOTHING, _TO_FILL_IN, _OF_A_SITE))
    ):
        return True
    if _COUNT.search(normalized(name)) and value.isdecimal() and len(value) <= 9:
        return True
    word = _WORD.match(value) if is_prose else None
    return bool(word and word[1].lower() in _PROSE)
