"""The bench: how fast and how small the bot is, each figure beside its floor. It drives the bot from the outside only."""
