"""What travels on the bus, for who looks at it or builds on it."""
