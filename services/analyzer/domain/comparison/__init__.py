"""Whether one version of a prompt is better than another, by evidence that may be looked at at any time. Pure."""
