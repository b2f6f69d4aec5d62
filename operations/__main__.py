"""`python -m operations`: what ./agora runs once everything is installed."""

from operations.command_line import main

main()
