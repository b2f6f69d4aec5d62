"""Servers that listen: ports, and the configurations of nginx, Caddy, Apache and their like."""

from __future__ import annotations

from portside.findings.log_rows.row import AT_ITS_TIME, Row

ROWS = (
    Row(
        f"{AT_ITS_TIME}.ACME",
        r"could not get certificate from issuer|urn:ietf:params:acme|obtaining certificate:",
        "its server tries to get its own TLS certificate, which the load balancer already has: {line}",
        "Turn automatic HTTPS off in its configuration (Caddy: auto_https off, or http:// addresses); {program}",
    ),
    Row(
        "CRASH_AT_START.PORT_IN_USE",
        r"(?:EADDRINUSE|[Aa]ddress already in use|[Aa]ddress in use"
        r"|Only one usage of each socket).*?:(?P<port>\d{2,5})(?![\d.:])"
        r"|(?<!:\d\d)(?<!\s\d\d):(?P<port>\d{2,5})\b.{0,60}(?:[Aa]ddress already in use|[Aa]ddress in use|os error 98)"
        r"|[Aa]ddress already in use.*? port (?P<port>\d+)|Connection in use: \('[^']*', (?P<port>\d+)\)"
        r"|[Pp]ort:? (?P<port>\d+) (?:was|is) already (?:in use"
        r"|allocated)"
        r"|EADDRINUSE|[Aa]ddress already in use|[Aa]ddress in use",
        "can't listen on {its_port}: address already in use by another program in its task",
        "Let only one program of the task listen on that port: all containers of a task share its ports "
        "(container_port "
        "of {name} in app.py is {container_port}; does the program start its server twice?); then: {deploy}",
        "app.py, container_port of {name}",
    ),
    Row(
        "CRASH_AT_START.PORT_PRIVILEGED",
        r"bind\(\) to \S+:(?P<port>\d+) failed \(13|listen tcp \S*:(?P<port>\d+): bind: permission denied"
        r"|listen EACCES.*?:?(?P<port>\d{2,5})$|listen EACCES"
        r"|[Pp]ermission denied.{0,40}(?:make_sock|could not bind).*?:(?P<port>\d{2,5})"
        r"|(?:bind|SocketException)\b.{0,80}[Pp]ermission denied",
        "can't listen on {its_port}: permission denied, because only root may use ports below 1024",
        "Let it listen on a port from 1024 on and set container_port of {name} in app.py to the same, or run it as "
        "root "
        "(user of {name} in app.py); then: {deploy}",
        "app.py, container_port of {name}",
    ),
    Row(
        "CRASH_AT_START.ADDRESS",
        r"EADDRNOTAVAIL|EAFNOSUPPORT|Address family not supported by protocol|bind: cannot assign requested address"
        r"|\(99: (?:Cannot assign|Address not available)"
        r"|bind.*Cannot assign requested address",
        "can't listen on an address that its task does not have: {line}",
        "Let it listen on 0.0.0.0, in its settings or {env}; then: {deploy}",
    ),
    Row(
        "CRASH_AT_START.CONFIGURATION",
        r"\[emerg\](?: \d+#\d+:)? (?P<said>(?:unknown (?:directive|\"?\w+\"? variable)|invalid |unexpected "
        r"|directive|\"?\w+\"? directive|"
        r"duplicate|no \"|conflicting|\"\w+\" (?:is|must)|could not build|zero size|variables hash|SSL_CTX"
        r"|PEM_).*)"
        r"|(?P<said>AH00526: Syntax error.*|Invalid command '[^']+'.*|Cannot load \S+ into server.*"
        r"|AH\d+: .*[Ss]yntax.*)"
        r"|Error: (?P<said>(?:adapting config|loading initial config: (?:loading new config: )?(?:unknown"
        r"|unrecognized|json|module)|"
        r"parsing caddyfile|Caddyfile:\d+|unrecognized directive).*)|(?P<said>\S+:\d+:? unrecognized directive.*)",
        "its server rejects its configuration: {said}",
        "Correct the configuration in the image, or the variable that it uses in {env} (an empty one?); {program}",
    ),
    Row(
        "CRASH_AT_START.CONFIGURATION",
        r"(?P<said>Failed to load configuration from file.*|Could not parse the JSON file.*|(?:yaml"
        r"|YAML)(?:Exception|Error|\.\w+\.\w+|: line).*|mapping values are not allowed.*"
        r"|JSONDecodeError.*"
        r"|SyntaxError: .*in JSON.*|SyntaxError: .*(?:is not valid JSON|JSON input).*|TOMLDecodeError.*|toml: .*"
        r"|InvalidConfigurationException.*|invalid character .* looking for beginning of .*)",
        "a configuration file or variable is malformed: {said}",
        "Correct the file in the image, or the variable that holds it in {env}; {program}",
    ),
)
