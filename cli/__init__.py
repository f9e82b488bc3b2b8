"""The command `assay`: starts the suite, and talks to a running one."""
