"""What a report says, from what was measured. Pure: no clock, no I/O; the same data give the same report."""
