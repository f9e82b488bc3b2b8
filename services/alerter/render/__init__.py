"""From what a message says to how it looks, the same for all channels as far as they allow."""
