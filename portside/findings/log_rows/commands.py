"""Commands that can't be run: what shells, loaders and the programs that read arguments write of them."""

from __future__ import annotations

from portside.findings.log_rows.row import Row

ROWS = (
    Row(
        "BAD_COMMAND.LINE_ENDINGS",
        # A terminal's carriage return is shown as a space.
        r"(?:\\r| )['\u2019\"]: (?:No such file|command not found|not found)|\\r: (?:No such|command not|not found)"
        r"|\$'\\r'|\^M|set: (?:line \d+: )?[Ii]llegal option -\s*$|set: -: invalid option",
        "a script in its image has Windows line endings (CRLF)",
        "Save the script with LF (dos2unix, or eol=lf in .gitattributes); {program}",
    ),
    Row(
        "BAD_COMMAND.LIBRARY",
        r"(?P<lib>[\w.+-]+\.so[\w.]*): cannot open shared object file|Error loading shared library (?P<lib>[\w.+-]+)"
        r"|version `(?P<version>[\w.]+)' not found|Error relocating (?P<of>\S+): (?P<symbol>\w+): symbol not found",
        "its image lacks a shared library that the program needs: {lib}{version}{symbol}",
        "Install the library in the image, or build the program on the base image that it runs in (glibc or musl); "
        "{program}",
    ),
    Row(
        "BAD_COMMAND.NO_INTERPRETER",
        r"exec (?:user process caused:?\s*\"?|)(?P<path>/\S+)?:? ?no such file or directory|bad interpreter"
        r"|env: .?(?P<interpreter>[\w.+-]+).?: (?:No such file|not found)"
        r"|env: can't execute '(?P<interpreter>[\w.+-]+)'",
        "{path}{interpreter} can't be run: the file, or the interpreter in its first line, is not in the image",
        "{entry}",
    ),
    Row(
        "BAD_COMMAND.NOT_EXECUTABLE",
        r"(?:exec(?: user process caused:?)?|(?:^|[\s/])(?:ba|da|a|z)?sh:(?: \d+:| line \d+:)?|^/\S+: exec: line \d+:"
        r"|^/\S+: line \d+:(?= \S*(?:\.sh|bin/\S+):)"
        r"|su-exec:"
        r"|tini[^:]*:)"
        r"\s*\"?:?(?P<path>\.{0,2}/[\w./-]+)?\"?:? *(?:[Pp]ermission denied|cannot execute(?! binary))",
        "{path:the program} is not executable in its image (permission denied)",
        "chmod +x for the file in the Dockerfile (or COPY --chmod=755); {program}",
    ),
    Row(
        "BAD_COMMAND.SWITCH_USER",
        r"(?:gosu|su-exec|setpriv|setuidgid|failed switching to \"?(?P<user>[\w:-]+)|setgroups\S*|setgid\S*"
        r"|setuid\S*)\W.*"
        r"(?:[Oo]peration not permitted)|su: must be suid|sudo: .*(?:no new privileges|effective uid is not 0)",
        "its entry point can't switch to another user {user} (operation not permitted)",
        "Let the image start as that user (USER in the Dockerfile, user of {name} in app.py) and not switch; {program}",
    ),
    Row(
        "BAD_COMMAND.USER",
        r"getpwnam\(\"(?P<user>[^\"]+)\"\) failed|cannot get [ug]id for (?:user|group) '(?P<user>[^']+)'"
        r"|unable to find user (?P<user>\S+)|bad user name (?P<user>\S+)",
        "user {user} does not exist in its image",
        "Create the user in the Dockerfile, or name an existing user (user of {name} in app.py); {program}",
    ),
    Row(
        "BAD_COMMAND.NO_COMMAND",
        r"no default process a command is required|no command specified|[Nn]o start(?:up)? command",
        "neither app.py nor its image has a command to start",
        "{entry}",
    ),
    Row(
        "BAD_COMMAND.NPM_SCRIPT",
        r"[Mm]issing script:? \"?(?P<script>[\w:.-]+)|Command \"(?P<script>[\w:.-]+)\" not found\.",
        "package.json of its image has no script {script}",
        "{entry}",
    ),
    Row(
        "BAD_COMMAND.NOT_FOUND",
        r"spawn (?P<path>\S+) ENOENT|exec:? \"?(?P<path>[\w./@-]+)\"?:? (?:executable file )?not found"
        r"|(?:ba|da|a|z)?sh:(?: line)?(?: \d+:)? (?:exec: )?(?P<path>/?[\w./@-]+): (?:command )?not found"
        r"|(?:ba|da|a|z)?sh:(?: line)?(?: \d+:)? (?P<path>/[\w./@-]+): No such file or directory"
        r"|: line \d+: (?:exec: )?(?P<path>[\w./@-]+): (?:command not found|not found|No such file or directory)"
        r"|can't open '?(?P<path>/[^\s':]+)'?|\[FATAL tini \(\d+\)\] exec (?P<path>\S+) failed: No such file"
        r"|: (?P<path>[\w./@-]+): not found$|npm ERR! enoent .*open '(?P<path>[^']+package\.json)'",
        "command {path} was not found in its image",
        "{entry}",
    ),
    Row(
        "BAD_COMMAND.ENTRY_FILE",
        r"Unable to access jarfile (?P<path>\S+)|Invalid or corrupt jarfile (?P<path>\S+)"
        r"|no main manifest attribute, in (?P<path>\S+)|Could not find or load main class (?P<path>[\w.$]+)"
        r"|can't open file '(?P<path>[^']+)'|(?P<path>dotnet-\S+) does not exist"
        r"|Could not execute because the (?:specified command|application)|The command could not be loaded"
        r"|The application '(?P<path>[^']+)' does not exist|Could not open input file: (?P<path>\S+)"
        r"|No such file or directory -- (?P<path>\S+)|Cannot find module '(?P<path>/[^']+?)'?(?: imported from .*)?$",
        "the file that its command starts is missing or can't be run: {line}",
        "{entry}",
    ),
    Row(
        "BAD_COMMAND.ARGUMENT",
        r"flag provided but not defined: (?P<flag>\S+)|unknown (?:shorthand )?flag:? (?P<flag>.+)"
        r"|(?:[Uu]nrecognized|[Uu]nknown|[Ii]nvalid|[Nn]o such|bad|Unexpected) (?:command[- ]line )?(?:options?"
        r"|arguments?|flags?):? "
        r"(?P<flag>['\"`]?-\S+)|unrecognized arguments: (?P<flag>.+)|unknown command \"(?P<flag>[^\"]+)\" for"
        r"|Unrecognized VM option (?P<flag>\S+)|No such command (?P<flag>\S+)|Unknown command:? (?P<flag>'[^']+')"
        r"|unexpected argument '(?P<flag>[^']+)'",
        "its command has an unknown argument: {flag}",
        "{entry}",
    ),
    Row(
        "BAD_COMMAND.ARGUMENT_MISSING",
        r"required flag\(s\) (?P<flag>.+) not set|the following arguments are required: (?P<flag>.+)"
        r"|[Mm]issing (?:required )?(?:argument|option|parameter)s?:? (?P<flag>['\"<-]\S+)"
        r"|the following required arguments were not provided(?P<flag>.*)",
        "its command lacks an argument {flag}",
        "{entry}",
    ),
    Row(
        "BAD_COMMAND.SCRIPT",
        r"[Ss]yntax error(?: near unexpected token|: (?:unexpected|Unterminated|\"|end of file))"
        r"|unexpected EOF while looking for matching|[Bb]ad substitution",
        "its start script has a syntax error: {line}",
        "Correct the script (is it run by the shell that it is written for?); {program}",
    ),
)
