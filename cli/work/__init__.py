"""What the commands do. Kept apart from how they are declared, since it imports what takes time to import."""
