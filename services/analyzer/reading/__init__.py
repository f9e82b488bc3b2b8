"""Readers of reports and code, and the pool of processes that they run in."""
