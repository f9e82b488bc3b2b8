"""Backup and restore: the database as it was at one instant, and what the bus had acknowledged and the database did not have yet."""
