"""What a flow is, and how it runs."""
