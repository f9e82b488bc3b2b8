"""Calls that other programs recorded, read from what these export."""
