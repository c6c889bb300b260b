"""Talks to people, and hosts the process."""
