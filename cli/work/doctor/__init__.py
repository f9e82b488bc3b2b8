"""What `assay doctor` looks at, a module for each kind of thing. Each returns findings, and none raises because something is wrong."""
