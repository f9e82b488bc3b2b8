"""What other ways of choosing would have brought, by recorded calls in the order of their time. Pure."""
