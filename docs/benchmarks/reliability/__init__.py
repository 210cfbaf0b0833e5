"""Campaigns that try to break skae; see `__main__`."""
