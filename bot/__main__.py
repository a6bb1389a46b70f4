"""`python -m bot` is `steward`, also where the command is not on the path."""

from bot.cli import main

main()
