"""Messages of runtimes about incompatible programs: node, the JVM, Python, Ruby, PHP, .NET, Go."""

from __future__ import annotations

from portside.findings.log_rows.row import AT_ITS_TIME, Row

_MODULE = "CRASH_AT_START.MODULE_MISSING"
_VERSION = "CRASH_AT_START.RUNTIME_VERSION"

ROWS = (
    Row(
        "CRASH_AT_START.APP_NOT_FOUND",
        r"Failed to find attribute '(?P<app>\w+)' in '(?P<module>[\w.]+)'"
        r"|Attribute \"(?P<app>\w+)\" not found in module "
        r"\"(?P<module>[\w.]+)\"|Could not import module \"(?P<module>[\w.:]+)\""
        r"|Failed to parse '(?P<module>[^']+)' as an "
        r"attribute name|Could not locate a Flask application|No module named '(?P<module>\w+\.(?:wsgi|asgi"
        r"|settings))'",
        "its server can't find the application {app} {module}",
        "Name the module and the application that the image has: {entry}",
    ),
    Row(
        _MODULE,
        r"ModuleNotFoundError: No module named '(?P<module>[^']+)'|Cannot find (?:module"
        r"|package) ['\"](?P<module>(?![^'\"]*\.node['\"])[^'\"]+)['\"]"
        r"|cannot load such file -- (?P<module>\S+)|there is no package called .(?P<module>\w+)"
        r"|Can't locate (?P<module>\S+\.pm) in @INC|Could not find (?:gem '|)(?P<module>[\w.-]+)(?:'"
        r"|-\d\S*)? in (?:locally|any of)"
        r"|Could not load file or assembly '(?P<module>[^',]+)|Class \"(?P<module>[^\"]+)\" not found"
        r"|(?:NoClassDefFoundError|ClassNotFoundException): (?P<module>[\w./$]+)"
        r"|DistributionNotFound: The '(?P<module>[^']+)'"
        r"|Failed opening required '(?P<module>[^']+)'|require\((?P<module>[^)]+)\): [Ff]ailed to open stream"
        r"|Error loading (?P<module>\w+) module|No package metadata was found for (?P<module>\S+)"
        r"|bundler: command not found: (?P<module>\S+)",
        "{module} is missing in its image: {line}",
        "Add the dependency or the file to the image (requirements, package.json and its lock, .dockerignore); "
        "{program}",
    ),
    Row(
        _VERSION,
        r"UnsupportedClassVersionError|compiled by a more recent version of the Java Runtime"
        r"|compiled against a different Node\.js version|The engine \"node\" is incompatible|Unsupported engine"
        r"|Your Ruby version is \S+ but|You must install or update \.NET|The framework '[^']+', version '[^']+'"
        r"|[Rr]equires (?:Node\.js|Python|PHP|Java|Ruby) ?\(?[>=~^\d].*|composer dependencies require a PHP version"
        r"|ERR_OSSL_EVP_UNSUPPORTED|digital envelope routines::unsupported",
        "its image has the wrong runtime version for the program: {line}",
        "Use the base image of the version that the program needs, or build it for this one; {program}",
    ),
    Row(
        _VERSION,
        r"invalid ELF header|Cannot find module '[^']+\.node\'|Could not load the \"[\w-]+\" module using the"
        r"|[Cc]ould not locate the Query Engine for runtime|wrong ELF class|Unsupported platform",
        "a native module of its image was built for another platform: {line}",
        "Install the modules inside the image, for linux/amd64 and its C library (no node_modules copied in from "
        "outside); "
        "{program}",
    ),
    Row(
        _VERSION,
        r"ImportError: cannot import name '(?P<thing>[^']+)' from '(?P<module>[^']+)'|NoSuchMethodError: (?P<thing>.+)"
        r"|NoSuchFieldError: (?P<thing>.+)|AbstractMethodError|IncompatibleClassChangeError"
        r"|ERR_PACKAGE_PATH_NOT_EXPORTED"
        r"|The requested module '(?P<module>[^']+)' does not provide an export",
        "two of its dependencies are incompatible: {line}",
        "Pin versions that fit together (the lock file), and build the image again; {program}",
    ),
    Row(
        "CRASH_AT_START.NOT_BUILT",
        r"Could not find a production build|[Mm]issing staticfiles manifest|run (?:`|')?(?:npm|yarn|next"
        r"|pnpm) (?:run )?build"
        r"|manifest\.json.*not found in|Vite manifest not found",
        "its image was made without the build step: {line}",
        "Run the build in the Dockerfile and copy what it makes into the image; {program}",
    ),
    Row(
        "CRASH_AT_START.MODULE_KIND",
        r"ERR_REQUIRE_ESM|require\(\) of ES Module|Cannot use import statement outside a module"
        r"|ERR_UNKNOWN_FILE_EXTENSION"
        r"|(?:require|exports|module|__dirname) is not defined in ES module scope",
        "node loads a file as the wrong module type (CommonJS or ES module): {line}",
        'Set "type" in package.json, or the ending .mjs or .cjs, as the file is written; {program}',
    ),
    Row(
        "CRASH_AT_START.SYNTAX",
        r"^\s*(?:SyntaxError|IndentationError|TabError): (?P<said>.+)"
        r"|Parse error: (?P<said>.+)",
        "its code has a syntax error: {said}",
        "Correct the file that the log names, or use the version of the runtime that knows this syntax; {program}",
    ),
    Row(
        "CRASH_LATER.WORKER_TIMEOUT",
        r"WORKER TIMEOUT \(pid:\d+\)|(?P<said>Worker \S+ timed? ?out)|HARAKIRI",
        "a worker did not respond in time and was stopped (WORKER TIMEOUT)",
        "Find what the worker waits for, or allow it longer (gunicorn --timeout in {command}); {program}",
    ),
    Row(
        "CRASH_AT_START.CONTEXT",
        r"required a bean of type '(?P<bean>[^']+)' that could not be found"
        r"|required a single bean, but (?P<n>\d+) were found"
        r"|No qualifying bean of type '(?P<bean>[^']+)'"
        r"|The dependencies of some of the beans in the application context form a cycle"
        r"|The bean '(?P<bean>[^']+)'.* could not be registered"
        r"|Nest can't resolve dependencies of (?:the )?(?P<bean>[\w]+)",
        "a component of its program is missing or ambiguous: {line}",
        "Correct the program, or the profile that it is started with (SPRING_PROFILES_ACTIVE in {env}); {program}",
    ),
    Row(
        f"{AT_ITS_TIME}.DEADLOCK",
        r"all goroutines are asleep - deadlock",
        "its program is deadlocked: all goroutines wait",
        "{program}",
    ),
    Row(
        f"{AT_ITS_TIME}.NULL",
        r"invalid memory address or nil pointer dereference|[Ss]egmentation fault|SIGSEGV|core dumped",
        "its program crashed with a memory fault: {line}",
        "Find it by the trace in the log (a native module or a library of another build?); {program}",
    ),
    Row(
        "CRASH_AT_START.VM_OPTION",
        r"(?P<said>(?:Invalid (?:maximum|initial) heap size|Too small (?:maximum|initial) heap"
        r"|Initial heap size set to a larger value"
        r"|"
        r"Machine|Conflicting collector|Unrecognized option|node: bad option|.* is not allowed in NODE_OPTIONS).*)",
        "its runtime rejects its options: {said}",
        "Correct JAVA_TOOL_OPTIONS or NODE_OPTIONS in {env}, or the options in {command}; then: {deploy}",
    ),
    Row(
        "CRASH_AT_START.ICU",
        r"Couldn't find a valid ICU package",
        "its image lacks the ICU libraries that .NET needs",
        "Set DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 in {env}, or install ICU in the image; then: {deploy}",
    ),
    Row(
        "CRASH_AT_START.HTTPS_CERTIFICATE",
        r"Unable to configure HTTPS endpoint",
        "it should serve HTTPS itself, but has no certificate",
        "Let it answer HTTP on port {container_port}: set ASPNETCORE_URLS in {env}, then: {deploy}",
    ),
)
