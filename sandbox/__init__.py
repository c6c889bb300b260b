"""The outside world in miniature: a Slack workspace, an Auth0 tenant and a page that shows both in a browser.

Written from what the vendors document, knowing nothing of the bot, so that a bot that works here has a chance there.
"""
