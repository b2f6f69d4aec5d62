"""`python -m portside`: what the launcher runs once everything is installed."""

from portside.cli.main import main

main()
