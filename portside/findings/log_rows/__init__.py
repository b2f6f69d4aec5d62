"""Tables of log messages of programs and their causes. More specific tables come first."""

from portside.findings.log_rows import aws_sdk, commands, connections, databases, files, runtimes, servers, settings

OF_DATABASES = databases.ROWS
ROWS = (
    *aws_sdk.ROWS,
    *servers.ROWS,
    *settings.ROWS,
    *commands.ROWS,
    *runtimes.ROWS,
    *files.ROWS,
    *connections.ROWS,
)
