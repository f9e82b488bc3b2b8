"""lizard's search for copies, with its slowest step done in one go: a tenth of its time, a fifth of all reading."""

from collections.abc import Iterator
from typing import Any

from lizard_ext.lizardduplicate import LizardExtension, NestingStackWithUnifiedTokens, Sequence


class _Tokens(NestingStackWithUnifiedTokens):  # type: ignore[misc]  # lizard has no types
    """A file's tokens, names and constants made alike."""

    def samples(self) -> Iterator[Any]:
        """Each run of SAMPLE_SIZE + 1 tokens, as lizard makes them one token at a time."""
        tokens, lines = [token for token, _ in self.unified_tokens], [line for _, line in self.unified_tokens]
        for first in range(len(tokens) - self.SAMPLE_SIZE):
            sample = Sequence(lines[first])
            sample.hash = "".join(tokens[first : first + self.SAMPLE_SIZE + 1])
            sample.end_line = lines[first + self.SAMPLE_SIZE]
            yield sample


class Duplicates(LizardExtension):  # type: ignore[misc]  # as above
    """The extension, made anew for each file."""

    def __call__(self, tokens: Iterator[str], reader: Any) -> Iterator[str]:
        """Passes the tokens on and keeps what is to be compared."""
        unified = reader.context.decorate_nesting_stack(_Tokens)
        for token in tokens:
            unified.enqueue_token(token, reader.context.current_line)
            yield token
        reader.context.fileinfo.hash_nodes = list(unified.samples())
