"""How messages reach people: a file for each sort of receiver."""
