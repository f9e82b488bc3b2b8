"""How good an answer is: readings of its evidence, and the score made of them. Pure."""
