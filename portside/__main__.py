"""`python -m portside`: what ./agora runs once everything is installed."""

from portside.cli.main import main

main()
