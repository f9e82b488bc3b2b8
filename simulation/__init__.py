"""A fleet of agents and providers with known truth: pure numpy, the same seed gives the same calls to the byte."""
