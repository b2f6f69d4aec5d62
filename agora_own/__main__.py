"""`python -m agora_own`: what ./agora runs once everything is installed."""

from agora_own.extension import AGORA
from portside.cli.main import main

main(AGORA)
