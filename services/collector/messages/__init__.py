"""Conversion between the contract's messages and columns."""
