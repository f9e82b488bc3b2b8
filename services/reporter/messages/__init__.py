"""Between the contract and what the reporter works with."""
