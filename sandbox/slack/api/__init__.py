"""The methods of the Web API, a module for each family. Importing a family puts its methods into the table."""

from sandbox.slack.api import apps, chat, conversations, files, people, views
from sandbox.slack.methods import METHODS

__all__ = ["METHODS", "apps", "chat", "conversations", "files", "people", "views"]
