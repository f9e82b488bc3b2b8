"""Which candidate next: estimates that carry their uncertainty, and the order that they support. Pure."""
