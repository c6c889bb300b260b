"""E-mail over SMTP."""

from connectors.mail import messages
from connectors.mail.connector import mail

__all__ = ["mail", "messages"]
