"""Files and folders: permissions, disk space, and missing files."""

from __future__ import annotations

from portside.findings.log_rows.row import AT_ITS_TIME, Row

# A path that is none of an address.
_QUOTED = r"['\"\u201c\u2018`]?(?<![\w.:/-])(?P<path>/[^'\"\u201d\u2019`\s:),]+)"
_DENIED = r"(?:[Pp]ermission denied|EACCES|Operation not permitted|EPERM)"

ROWS = (
    Row(
        f"{AT_ITS_TIME}.STORAGE_FULL",
        r"ENOSPC(?!: System limit)|[Nn]o space left on device|There is not enough space on the disk"
        r"|disk quota exceeded",
        "the storage of its task, or a volume, is full",
        "A larger size in container_volumes of {name} in app.py, or let the program write and keep less; then: "
        "{deploy}",
        "app.py, container_volumes of {name}",
    ),
    Row(
        f"{AT_ITS_TIME}.OPEN_FILES",
        r"EMFILE|ENFILE|[Tt]oo many open files|System limit for number of file watchers",
        "too many open files or connections",
        "Let the program close files and connections, or limit its pools; {program}",
    ),
    Row(
        f"{AT_ITS_TIME}.PERMISSION",
        rf"{_DENIED}[^/\n]{{0,80}}{_QUOTED}"
        rf"|(?:open|mkdir|stat|create|remove|rename|chown|chmod|chdir|unlink|read|write)(?:\(\))? {_QUOTED}['\"]?:?"
        rf"(?: failed \((?:13|1):)? ?{_DENIED}|{_QUOTED}['\"\u201d\u2019]?:? ?\(?{_DENIED}"
        r"|(?:AccessDeniedException|UnauthorizedAccessException): (?:Access to the path ')?(?P<path>/[^'\s]+)"
        r"|(?P<path>/\S+)['\" ]* (?:is not writable|is not readable|is not writeable)",
        "permission denied for {path}",
        "Give the folder to the user that the program runs as in the Dockerfile (chown, before VOLUME where it is a "
        "volume: a volume of app.py belongs to root unless the image declares it), or set user of {name} in app.py; "
        "{program}",
    ),
    Row(
        "READ_ONLY.TEMPORARY",
        r"No usable temporary directory|Unable to create tempDir|could not create temporary (?:file|directory)",
        "it can't write to a temporary folder: {line}",
        'container_volumes=[ContainerVolume("/tmp")] of {name} in app.py (its root file system may be read-only), '
        "then: {deploy}",
        "app.py, read_only_root of {name}",
    ),
    Row(
        f"{AT_ITS_TIME}.FILE_MISSING",
        rf"ENOENT:? no such file or directory, \w+ {_QUOTED}|(?:\[Errno 2\]|Errno::ENOENT|os error 2|\(2: |open\(\)"
        rf"|NoSuchFileException"
        rf"|FileNotFoundException|cannot load certificate(?: key)?|BIO_new_file"
        rf"|[Cc]ould not find file)[^/\n]{{0,60}}{_QUOTED}"
        rf"|(?:open|stat|read|lstat|chdir|loading) "
        rf"{_QUOTED}: no such file or directory|{_QUOTED}['\"]?:? \(?No such file or directory"
        rf"|(?:file|directory|folder|path|config\w*)\W{{1,3}}{_QUOTED}\W{{0,3}} (?:does not exist|not found)"
        rf"|not found at {_QUOTED}|Error: '(?P<path>[^']+)' doesn't exist|Config File \"(?P<path>[^\"]+)\" Not Found"
        r"|[Cc]an(?:not|'t) (?:open|find|read|load) (?:the )?(?:file|config(?:uration)?(?: file)?):? "
        r"['\"]?(?P<path>[\w-]*[./][\w./-]+)|Error opening zip file or JAR manifest missing : (?P<path>\S+)"
        r"|resource 'file \[(?P<path>[^\]]+)\]'.*does not exist"
        r"|configuration file '(?P<path>[^']+)' was not found",
        "file {path} does not exist in its container",
        "Put the file into the image (COPY in the Dockerfile; a volume of container_volumes is empty at first and "
        "hides "
        "what the image has there), or correct its path in {env}; {program}",
    ),
    Row(
        f"{AT_ITS_TIME}.PID_FILE",
        r"server is already running\. Check (?P<path>\S+)|pid file .*already exists|another (?:server"
        r"|instance) .*running",
        "a file of an earlier run stops it from starting: {line}",
        "Let the entry point remove the file {path} before it starts the program; {program}",
    ),
    Row(
        f"{AT_ITS_TIME}.PERMISSION",
        r"PermissionError: |PermissionDenied\b|EACCES: permission denied|\[Errno 13\]|Permission denied$"
        r"|[Oo]peration not permitted$",
        "permission denied in its container: {line}",
        "Give the user that the program runs as (user of {name} in app.py) what it needs, in the Dockerfile; {program}",
    ),
)
