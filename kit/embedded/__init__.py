"""PostgreSQL and NATS from their wheels, run as child processes on one data directory."""
