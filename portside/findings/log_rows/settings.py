"""Settings that are missing or wrong: environment variables, secrets' values, licences."""

from __future__ import annotations

from portside.findings.log_rows.row import AT_ITS_TIME, Row

# A variable is known by how it is written; what only looks like one is a protocol, a format or a level.
_NO_VARIABLE = (
    r"(?!(?:TLS|SSL|HTTPS?|JSON|URLS?|URI|API|SQL|DNS|TCP|UDP|AWS|JWT|CSRF|CORS|SASL|TTY|UUID|XML|YAML|HTML|AVX2?"
    r"|EOF|CPU|GPU|MFA|NOTE"
    r"|ERROR|FATAL|WARN|WARNING|CRITICAL|INFO|DEBUG|SEVERE|ALERT)\b)"
)
_OPEN, _CLOSE = r"[\"'`$<{\[]*", r"[\"'`>}\]]*"
_UPPER = rf"{_OPEN}{_NO_VARIABLE}\b(?P<var>[A-Z][A-Z0-9_]{{2,}})\b{_CLOSE}"
_SNAKE = rf"{_OPEN}\b(?P<var>[A-Z][A-Z0-9]*_[A-Z0-9_]+)\b{_CLOSE}"
_NAME = rf"{_OPEN}{_NO_VARIABLE}\b(?P<var>[A-Z][A-Z0-9_]{{2,}}|[A-Za-z]\w*[._]\w[\w.]*)\b{_CLOSE}"
_MISSING = f"{AT_ITS_TIME}.SETTING_MISSING"
_INVALID = f"{AT_ITS_TIME}.SETTING_INVALID"
_WHAT = "{unset}"

ROWS = (
    Row(
        f"{AT_ITS_TIME}.LICENCE",
        r"(?i)licen[cs]e(?: key| file| token)?\W.{0,40}\b(?:invalid|expired|missing|not found|required|not valid"
        r"|could not)"
        r"|(?i:invalid|expired|missing|no valid) licen[cs]e\b",
        "its licence is missing or not valid: {line}",
        "Put a valid licence into the secret or variable that the program reads it from ({secrets}), then: {again}",
    ),
    # Names of settings that are no environment variables come first where both could match.
    Row(
        _MISSING,
        r"Requested setting (?P<setting>\w+), but settings are not configured.*define the environment variable "
        r"(?P<var>\w+)",
        _WHAT,
        "{set}",
    ),
    Row(
        _MISSING,
        rf"KeyError: {_SNAKE}$|key not found: \"(?P<var>[A-Z][A-Z0-9_]+)\""
        rf"|environ(?s:.{{0,600}})KeyError: '(?P<var>[^']+)'"
        r"|(?P<var>[A-Z][A-Z0-9_]+) not found\. Declare it as envvar|Could not resolve placeholder '(?P<var>[\w.-]+)'"
        r"|: (?P<var>[A-Za-z_]\w*): (?:unbound variable"
        r"|parameter (?:not set|null or not set))|(?P<var>[A-Z][A-Z0-9_]+)\W{1,4}not found: NotPresent"
        r"|config property (?P<var>[\w.-]+) is required"
        r"|Missing `?(?P<var>secret_key_base)`?|The (?P<var>[A-Z][A-Z0-9_]+) setting must not be empty"
        r"|\b(?P<var>[A-Z][A-Z0-9_]+): \[ ?'Required'|path: \[ ?['\"](?P<var>[A-Z]\w+)['\"] ?\], message: ['\"]Required"
        rf"|(?i:by setting the ){_UPPER}(?i: environment variable)"
        r"|^\s{2,}(?P<var>[A-Z][A-Z0-9_]+): (?:undefined|Required|Invalid input: expected \w+, received undefined)",
        _WHAT,
        "{set}",
    ),
    Row(
        _MISSING,
        rf"(?i:(?:environment|env) ?(?:variables?|vars?)?:? (?:not found|not set|missing|required)[: ]+){_NAME}"
        rf""
        rf"|(?i:(?:missing|undefined|required|no|empty|unset)(?: required| mandatory)? (?:environment|env)"
        rf"(?:ironment)?[ _-]?(?:variables?|vars?|settings?|keys?)?(?: named)?[:( ]+){_NAME}"
        rf"|(?i:(?:missing|undefined|required) (?:required )?config(?:uration)?[ _-]?(?:settings?|keys?|values?"
        rf"|options?)?[:( ]+){_NAME}",
        _WHAT,
        "{set}",
    ),
    Row(
        _MISSING,
        rf"(?i:(?:environment|env)(?: variable| var)? ){_NAME}(?i: (?:is |was |are |has )?(?:not set|not defined"
        rf"|missing"
        rf"|required|undefined|must be (?:set|defined|provided)|not (?:been )?(?:provided|specified|found)|empty|unset"
        rf"|not present))"
        rf"|{_UPPER}(?i: (?:environment variable |env var |is |was |are |has |variable )*(?:not set|not defined|missing"
        rf"|undefined|required|must be (?:set|defined|provided|specified)|not (?:been )?(?:provided|specified"
        rf"|configured)"
        rf"|empty|unset|must not be (?:empty|null|blank)|should not be empty|cannot be empty|can't be empty))"
        rf"|(?i:(?:missing|required|requires|specify|provide|set)(?: the)?:? ){_SNAKE}(?=$|[\s.,;)])",
        _WHAT,
        "{set}",
    ),
    Row(
        _MISSING,
        r"Value cannot be null\. \(Parameter '(?P<setting>\w*(?:[Cc]onnection|[Kk]ey|[Uu]r[il]|[Hh]ost"
        r"|[Ss]tring)\w*)'\)"
        r"|(?P<setting>ConnectionString) property has not been initialized",
        "setting {setting} is not set",
        "Set the variable that gives {setting} in {env} (ConnectionStrings__NAME), a secret in container_secrets; "
        "then: {deploy}",
    ),
    Row(
        _MISSING,
        r"(?i:requires? an? (?:secret|(?:api )?key|token)\b|(?:secret|api[ _-]?key|token) (?:is"
        r"|was) (?:not (?:provided|set|found|defined)"
        r"|missing|required|undefined)|no (?:api[ _-]?key|secret|token) (?:was )?(?:provided|given|found|set"
        r"|configured)"
        r"|missing (?:api[ _-]?key|secret|token)\b|neither apiKey nor|api key does not start|secret \S+ not found)",
        "a secret that it needs is not set: {line}",
        "Give it the secret: {secrets}; then: {deploy}",
        "app.py, container_secrets of {name}",
    ),
    Row(
        _MISSING,
        r"No application encryption key has been specified",
        "environment variable APP_KEY is not set",
        "Set APP_KEY in {secrets}, then: {deploy}",
    ),
    Row(
        _MISSING,
        r"Database is uninitialized and (?:superuser )?password (?:option )?is not specified"
        r"|You need to specify one of \w+_PASSWORD",
        "no password is set for the database that it starts",
        "Set the variable of the password in {secrets}, then: {deploy}",
    ),
    Row(
        _MISSING,
        r"Failed to configure a DataSource: '(?P<setting>\w+)' attribute is not specified"
        r"|Failed to determine a suitable driver class",
        "no database address is set (spring.datasource.url)",
        "Set SPRING_DATASOURCE_URL in {env}, or choose the profile that has it (SPRING_PROFILES_ACTIVE), then: "
        "{deploy}",
    ),
    Row(
        _MISSING,
        r"(?i:couldn't|could not) decrypt .*credentials|ActiveSupport::MessageEncryptor::InvalidMessage"
        r"|Missing encryption key",
        "Rails can't decrypt its credentials: RAILS_MASTER_KEY is missing or wrong",
        "Set RAILS_MASTER_KEY in {secrets}, then: {deploy}",
    ),
    Row(
        _MISSING,
        r"`?uri`? parameter to `?openUri|(?i:(?:uri|url|dsn|connection string) (?:must be a string|is (?:undefined"
        r"|required|empty)))",
        "the address of its database is not set",
        "Set what the program makes the address of in {env} (DatabaseHost(), DatabasePort()), then: {deploy}",
    ),
    Row(
        _MISSING,
        r"\n(?P<var>[A-Za-z_]\w+)\n\s+(?:[Ff]ield required|[Mm]issing|value is not a valid)",
        _WHAT,
        "{set}",
    ),
    Row(
        _INVALID,
        r"(?i:(?:bad|invalid) (?:sentry )?dsn|unsupported scheme '[^']*'.*dsn|BadDsn)\b",
        "the Sentry DSN (SENTRY_DSN) is not valid",
        "{set_sentry}",
    ),
    Row(
        _INVALID,
        r"(?:InvalidURI|Invalid mongo configuration|Invalid URI scheme"
        r"|Invalid scheme, expected connection string to start with|error parsing uri"
        r"|The connection string is invalid"
        r"|Invalid connection string|MongoParseError|Could not parse (?:rfc1738 )?URL|invalid (?:dsn|connection string)"
        r"|Invalid URL: No schema supplied|Driver org\.\S+ claims to not accept jdbcUrl|No scheme supplied)",
        "the address of its database is not valid: {line}",
        "Correct the address and the variables in it (an empty one?) in {env}, then: {deploy}",
    ),
    Row(
        _INVALID,
        r"ERR_SOCKET_BAD_PORT|Failed to bind properties under '(?P<var>server\.port)'"
        r"|[Pp]ort (?:should|must) be .*|Invalid value for '--port': '(?P<value>[^']+)\'"
        r"|invalid port(?: number)? (?P<value>\S+)"
        r"|'?(?P<value>\S+)'? is not a valid port",
        "the port that it should listen on is not valid {value}",
        "Set the variable of the port in {env} to {container_port}, as container_port says; then: {deploy}",
    ),
    Row(
        _INVALID,
        r"Failed to bind properties under '(?P<var>[\w.-]+)'|Invalid value for (?:environment variable |setting )?"
        r"['\"`]?(?P<var>[A-Z][A-Z0-9_]+)|(?P<var>[A-Z][A-Z0-9_]+) (?:must be|should be|is not) (?:a |an |one of )?"
        r"(?:valid|number|integer|boolean|url|string|true or false|positive)\b.*|invalid (?:value|format) (?:for"
        r"|of) (?P<var>[A-Z][A-Z0-9_]+)",
        "setting {var} has an invalid value: {line}",
        "Correct {var} in {env}, then: {deploy}",
    ),
    Row(
        _INVALID,
        r"PEM routines|no start line|DECODER routines::unsupported|could not deserialize key data|Invalid PEM|"
        r"asn1: structure error|InvalidKeyException|secretOrPrivateKey must be an asymmetric key",
        "a key or certificate is not in PEM format: {line}",
        "Put the whole PEM text, with its line breaks, into the secret ({secrets}), then: {again}",
    ),
    Row(
        _INVALID,
        r"TypeError(?: \[ERR_INVALID_URL\])?: Invalid URL|ERR_INVALID_URL|MissingSchema|unsupported protocol scheme|"
        r"no scheme supplied|relative URL without a base|Illegal character in (?:authority|scheme)|Invalid URI: ",
        "an address in its settings is not a valid URL (an empty variable?): {line}",
        "Correct the addresses in {env}, then: {deploy}",
    ),
    Row(
        _INVALID,
        r"invalid literal for int\(\)|NumberFormatException: For input string|strconv\.(?:Atoi|Parse\w+): parsing|"
        r"could not convert string to float|ParseIntError|invalid digit found in string|was not in a correct format",
        "a setting must be a number: {line}",
        "Correct the number in {env}, then: {deploy}",
    ),
    Row(
        _INVALID,
        r"ImproperlyConfigured: (?P<what>(?!Error loading).+)|CommandError: (?P<what>You must set .+)|"
        r"(?:[Cc]onfig(?:uration)?|[Ss]ettings?|[Ee]nvironment) (?:validation (?:error|failed)|is invalid"
        r"|error)[: ]+(?P<what>.+)",
        "its configuration is not valid: {what}",
        "Correct the setting in {env} (a secret in container_secrets), then: {deploy}",
    ),
)
