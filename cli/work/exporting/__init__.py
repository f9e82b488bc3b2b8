"""Calls and roll-ups as files for other programs, a part at a time."""
