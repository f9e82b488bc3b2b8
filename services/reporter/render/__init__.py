"""From a report to how it looks: page, mail, Markdown, JSON, CSV, PDF. The numbers are the report's own; nothing is computed here."""
