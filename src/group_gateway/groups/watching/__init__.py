"""Subscriptions to changes of groups: listeners, polls, and comparisons."""
