"""How a program's own error is recognized, and which lines are quoted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portside.aws.model import Unread
from portside.config.service_props import DATABASE
from portside.findings.log_block import is_remark, read_block
from portside.findings.verdict import judge
from tests.unit.diagnosis_support import calling, evidence, exited, service, verdict_on
from tests.unit.operations_support import minutes_after_noon

TRACE = (
    "Traceback (most recent call last):",
    '  File "/app/main.py", line 3, in <module>',
    "    main()",
    "RuntimeError: boom",
)
CHAIN = (
    "com.example.StartException: could not start",
    "\tat com.example.Main.main(Main.java:1)",
    "\tat com.example.Main.run(Main.java:2)",
    "\tat com.example.Main.walk(Main.java:3)",
    "Caused by: com.example.MiddleException: middle",
    "\tat com.example.Middle.f(Middle.java:1)",
    "Caused by: com.example.RootException: the root",
    "\t... 12 more",
)
REPORT = (
    "***************************",
    "APPLICATION FAILED TO START",
    "***************************",
    "Description:",
    "The moon is full.",
    "Action:",
    "Wait for another moon.",
)


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (TRACE, "RuntimeError: boom"),
        (("starting", *TRACE, "[INFO] Worker exiting (pid: 7)"), "RuntimeError: boom"),
        (CHAIN, "com.example.RootException: the root"),
        (REPORT, "The moon is full."),
        (("thread 'main' panicked at src/main.rs:1:2:", "the moon is full"), "the moon is full"),
        (("panic: the moon is full", "goroutine 1 [running]:", "main.main()"), "panic: the moon is full"),
        (
            ("Unhandled exception. System.Exception: outer", " ---> System.ArgumentException: inner", "   at A.B()"),
            "System.ArgumentException: inner",
        ),
        (
            ("TypeError: fetch failed", "    at f (/a.js:1:1) {", "  [cause]: Error: the moon is full"),
            "Error: the moon is full",
        ),
        (
            ("/app/a.js:3", "  throw err;", "  ^", "Error: boom", "    at f (/app/a.js:3:1)", "Node.js v20.1.0"),
            "Error: boom",
        ),
        (("Error: boom", "npm ERR! code ELIFECYCLE", "npm ERR! errno 1"), "Error: boom"),
        (("first error: one", "all healthy", "later error: two"), "later error: two"),
        (("Error: no plugin", "all healthy", "a.b.StartException: boom", "\tat a.b.Main"), "a.b.StartException: boom"),
        (("the moon could not be found", "bye"), "the moon could not be found"),
        (("2024-01-01 10:00:00 WARN an error that passes", "INFO bye"), ""),
        (("hello", "bye"), ""),
        ((), ""),
    ],
)
def test_the_reason_is_the_line_that_names_it(log: tuple[str, ...], reason: str) -> None:
    assert read_block(log).reason == reason


@pytest.mark.parametrize(
    "line",
    [
        "panic: the moon",
        "fatal: the moon",
        "fatal error: the moon",
        "it panicked at the moon",
        "nginx: [emerg] the moon",
        "[alert] the moon",
        "[crit] the moon",
        "Unhandled exception. The moon",
        "Uncaught the moon",
        "Exception in thread main",
        "FATAL the moon",
        "[7] CRITICAL the moon",
        "Error: the moon",
        "PHP Fatal error:  the moon",
        "app.rb:1:in `x': the moon (LoadError)",
        "app.rb:1:in `x': the moon (Errno::EACCES)",
        "TypeError: the moon",
        "java.lang.IllegalStateException: the moon",
    ],
)
def test_what_ends_a_program_counts_before_later_problems(line: str) -> None:
    assert read_block([line, "all healthy", "later problem: could not say goodbye"]).reason == line


@pytest.mark.parametrize("header", [TRACE[0], REPORT[1]])
def test_a_header_begins_a_block_whatever_came_later(header: str) -> None:
    block = read_block([header, "  the moon", "  is full", "all healthy", "later problem: could not say goodbye"])

    assert block.lines[:3] == (header, "  the moon", "  is full")


@pytest.mark.parametrize(
    "word",
    [
        *("an error", "an exception", "so fatal", "a panic", "it failed", "a failure", "it fails", "denied", "refused"),
        *("cannot go on", "can't go on", "can not go on", "could not go on", "couldn't go on", "unable to go on"),
        *("timed out", "timeout", "killed", "not found", "no such thing", "not set", "missing", "required"),
        *("invalid", "unknown", "unrecognized", "illegal", "unbound"),
    ],
)
def test_a_line_about_a_problem_is_a_reason_where_there_is_no_better(word: str) -> None:
    assert read_block(["hello", f"the moon: {word}", "bye"]).reason == f"the moon: {word}"


@pytest.mark.parametrize(
    "line",
    [
        "npm ERR! code 1",
        "npm error code 1",
        "error Command failed with exit code 1.",
        "code ELIFECYCLE",
        "[7] Worker exiting (pid: 7)",
        "Reason: Worker failed to boot.",
        "gunicorn: HaltServer",
        "Shutting down: Master",
        "app exited with code 1",
        "exit status 1",
        "A complete log of this run can be found in: /root",
        "Node.js v20.1.0",
        "o.s.boot.SpringApplication: Application run failed",
        "Application startup failed. Exiting.",
        "Process exited",
        "Error: Command failed: node",
        "make: *** [start] Error 1",
        "SystemExit: 1",
        "Stopping service [Tomcat]",
        "Failed to start server",
        "Error occurred during initialization of VM",
        "Error: Could not create the Java Virtual Machine.",
        "Error: A fatal exception has occurred. Program will exit.",
    ],
)
def test_what_only_follows_from_an_error_is_none(line: str) -> None:
    block = read_block(["hello", line])

    assert (block.reason, block.last) == ("", "hello")


@pytest.mark.parametrize(
    "frame",
    [
        "    at f (/app/a.js:1:1)",
        '  File "/app/a.py", line 1, in f',
        "\tfrom /app/a.rb:1:in `f'",
        "    ... 1 common frames omitted",
        "... 12 more",
        "goroutine 1 [running]:",
        "\t/app/main.go:1 +0x1d",
        "main.main(0x1)",
        "        ^^^^^",
        "created by main.start in goroutine 1",
        "   1: rust_begin_unwind",
        "#0 /app/index.php(1): f()",
    ],
)
def test_of_frames_the_first_two_are_quoted(frame: str) -> None:
    shown = read_block(["Error: boom", frame, frame, frame, frame]).shown

    assert shown == ("Error: boom", frame, frame)


def test_a_block_is_quoted_without_most_of_its_frames() -> None:
    shown = read_block(CHAIN).shown

    assert CHAIN[3] not in shown
    assert set(CHAIN) - {CHAIN[3]} == set(shown)


def test_of_a_long_block_the_beginning_and_the_end_are_quoted() -> None:
    log = [f"error {number}" for number in range(30)]

    assert read_block(log).shown == (*log[:6], *log[-6:])


def test_without_an_error_the_end_of_the_log_is_quoted() -> None:
    assert read_block([f"line {number}" for number in range(9)]).shown == tuple(f"line {n}" for n in range(3, 9))


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("INFO starting", True),
        ("[warn] the user directive", True),
        ("nginx: [notice] hello", True),
        ("2024-01-01 10:00:00.123  WARN 1 --- [main] x", True),
        ("level=info msg=error", True),
        ('{"level":"debug"', True),
        ("script.sh: info: can not modify /etc (read-only file system?)", True),
        ("ERROR starting", False),
        ("CommandError: You must set ALLOWED_HOSTS if DEBUG is False.", False),
        ("Error: information is missing", False),
    ],
)
def test_a_remark_is_known_by_its_level(line: str, is_one: bool) -> None:
    assert is_remark(line) is is_one


def test_a_program_that_wrote_no_error_is_quoted_with_its_last_line() -> None:
    found = verdict_on(exited(3, "hello", "bye", ""))

    assert found.what == "it crashes at start, with exit code 3; its log ends with: bye"
    assert {"log: hello", "log: bye"} <= set(found.evidence)


def test_that_a_program_wrote_nothing_is_said_only_where_its_log_was_read() -> None:
    unread = Unread("log of task 0123456789abcdef of agora-app", "denied", "AccessDeniedException")

    assert verdict_on(exited(3)).what.endswith(", and wrote nothing")
    assert verdict_on(exited(3, log_group="")).what.endswith(", and its log could not be read")
    assert judge(evidence(service("agora-app", exited(3)), unknown=(unread,)))[0].what.endswith("could not be read")
    assert verdict_on(exited(3, log_gone=True)).what.endswith(", and its log was deleted")


@pytest.mark.parametrize(
    ("seconds", "lines", "code"),
    [
        (59.9, ("hello",), "CRASH_AT_START"),
        (60, ("hello",), "CRASH_LATER"),
        (2, ("Server listening on port 4200",), "CRASH_LATER"),
        (2, ("Application startup complete.",), "CRASH_LATER"),
        (2, ("Started App in 3.2 seconds",), "CRASH_LATER"),
        (2, ("The server is running",), "CRASH_LATER"),
        (2, ("ready",), "CRASH_LATER"),
        (2, ("serving initial configuration",), "CRASH_LATER"),
        (2, ("start worker process 7",), "CRASH_LATER"),
        (2, ("Apache configured -- resuming normal operations",), "CRASH_LATER"),
        (2, ("Now listening on: http://[::]:80",), "CRASH_LATER"),
        (2, ("* Booted in 1 s",), "CRASH_LATER"),
        (2, ("ready to begin",), "CRASH_AT_START"),
        (300, ("Listening at: http://0.0.0.0:80", "Exception in worker process"), "CRASH_AT_START"),
        (300, ("Listening at: http://0.0.0.0:80", "Application startup failed"), "CRASH_AT_START"),
        (300, ("[INFO] Listening at: http://0.0.0.0:80", "[ERROR] Worker failed to boot."), "CRASH_AT_START"),
        (300, REPORT, "CRASH_AT_START"),
    ],
)
def test_a_crash_is_at_start_until_the_program_says_that_it_is_ready(
    seconds: float, lines: tuple[str, ...], code: str
) -> None:
    started = minutes_after_noon(2 - seconds / 60)

    assert verdict_on(exited(1, *lines, started=started)).code == code


def test_a_program_that_was_killed_is_not_held_responsible_for_what_it_wrote_before() -> None:
    found = verdict_on(exited(137, "Error: connect ECONNREFUSED 10.0.3.4:9200"))

    assert found.code == "KILLED"
    assert found.what.endswith("its log ends with: Error: connect ECONNREFUSED 10.0.3.4:9200")


def test_what_a_program_writes_does_not_tell_why_ecs_stopped_its_task() -> None:
    stopped = exited(143, "Error: connect ECONNREFUSED 10.0.3.4:9200")
    stopped = replace(
        stopped, stop_code="ServiceSchedulerInitiated", stopped_reason="Task failed container health checks"
    )

    assert verdict_on(stopped).code == "HEALTH_CHECK"


def test_the_error_counts_before_the_rest_of_the_log() -> None:
    found = verdict_on(
        exited(
            1,
            "ERROR could not reach cache: getaddrinfo ENOTFOUND cache",
            "all healthy",
            *TRACE[:3],
            "KeyError: 'API_HOST'",
        )
    )

    assert found.code == "CRASH_AT_START.SETTING_MISSING"


def test_the_rest_of_the_log_counts_where_the_error_is_empty() -> None:
    found = verdict_on(exited(1, "ERROR getaddrinfo ENOTFOUND cache", "all healthy", *TRACE))

    assert found.code == "ENDPOINT_MISSING"
    assert "log: ERROR getaddrinfo ENOTFOUND cache" in found.evidence


def test_what_a_program_remarks_is_no_reason() -> None:
    found = verdict_on(exited(1, "WARN getaddrinfo ENOTFOUND cache", "all healthy", *TRACE))

    assert found.code == "CRASH_AT_START"


def test_numbers_inside_ids_are_no_codes() -> None:
    log = "MongoServerError: oops, id 5f18code: 180, request 4031 at code 4013"

    assert verdict_on(exited(1, log)).code == "CRASH_AT_START"


@pytest.mark.parametrize("line", ["Error: unable to connect to database", "Database connection failed"])
def test_a_database_without_a_name_is_the_environment_s_where_the_service_calls_it(line: str) -> None:
    calling_it = calling(service("agora-app", exited(1, line)), DATABASE)

    found = judge(evidence(calling_it))[0]

    assert found.code == "DATABASE_UNREACHABLE"
    assert "detect-stack-drift" in found.fix
    assert verdict_on(exited(1, line)).code == "DATABASE_UNREACHABLE.OTHER"


@pytest.mark.parametrize(
    ("line", "longest"),
    [
        (f"Error: {'x' * 300}", 220),
        (f"Error: self-signed certificate {'x' * 300}", 200),
        (f"MongoServerError: Unsupported mechanism {'x' * 300}", 200),
    ],
    ids=["quoted", "of a row", "of the database"],
)
def test_a_long_line_is_cut_in_the_sentence_and_whole_in_the_evidence(line: str, longest: int) -> None:
    found = verdict_on(exited(1, line))

    assert len(found.what.partition(": ")[2]) == longest
    assert f"log: {line}" in found.evidence


def test_a_level_counts_only_at_the_beginning_of_a_line() -> None:
    assert is_remark(f"{'x' * 100} [INFO] x")
    assert not is_remark(f"{'x' * 120} [INFO] x")
