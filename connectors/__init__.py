"""What can be done in other services: one folder per service."""
