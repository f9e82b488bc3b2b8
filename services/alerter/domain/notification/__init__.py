"""From alerts to messages, as pure functions of alerts, configuration, what was told before, and the time."""
