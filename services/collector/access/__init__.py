"""Projects, keys, logins and the audit log: what AccessService serves."""
