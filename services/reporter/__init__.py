"""Reports: what happened, what changed, what it cost, what to do."""
