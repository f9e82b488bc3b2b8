"""What is wrong with a connection that cannot be made, in words: gRPC tells it only within the text of an UNAVAILABLE."""

import re

# What gRPC and BoringSSL write, and what it means to whoever connects.
_MEANINGS = (
    (re.compile(r"CERTIFICATE_VERIFY_FAILED: ([^:]+)"), "its certificate is not to be trusted ({})"),
    (re.compile(r"Hostname Verification Check failed"), "its certificate is for another name"),
    (re.compile(r"WRONG_VERSION_NUMBER"), "it does not speak TLS"),
    (re.compile(r"Socket closed"), "it ends the connection, as one does that wants TLS, or a certificate from its clients"),
)


def connection_trouble(details: str) -> str | None:
    """What is wrong, as the end of a sentence about the other side; None where nobody answers, or it is something else."""
    for pattern, meaning in _MEANINGS:
        if found := pattern.search(details):
            return meaning.format(*found.groups())
    return None
