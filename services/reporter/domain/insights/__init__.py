"""What is worth knowing of a period: small functions from sums to findings, silent where there is nothing to say."""
