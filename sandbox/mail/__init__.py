"""A simulated mail server: takes mail over SMTP, shows what came, and misbehaves on demand."""

from sandbox.mail.server import Mailbox, mailing

__all__ = ["Mailbox", "mailing"]
