"""Tables of what programs write, and what it means. What knows more of a line comes first."""

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
