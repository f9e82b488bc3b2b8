"""The collector's wiring, a module for each role: who runs one need not load the other."""
