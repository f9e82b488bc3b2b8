"""The limits of what the collector takes in, each with its reason; part of the contract with clients."""

from typing import Final

# Batches: large enough that the cost of a request vanishes, small enough to be checked within some 25 ms.
BATCH_ITEMS_MAX: Final = 5_000
BATCH_BYTES_MAX: Final = 8 * 1024 * 1024
BATCH_ID_BYTES_MAX: Final = 64

# Texts, in bytes of UTF-8. They stand in indexes and on screens, so they are names, not documents.
ID_BYTES_MAX: Final = 64
NAME_BYTES_MAX: Final = 128
COMMENT_BYTES_MAX: Final = 4_096
LABELS_MAX: Final = 16
LABEL_KEY_BYTES_MAX: Final = 128
LABEL_VALUE_BYTES_MAX: Final = 1_024

# Numbers: far above what is real, and small enough that the sum of any table fits 64 bits.
COUNT_MAX: Final = 10**9
COST_NANOS_MAX: Final = 10**15  # a million US dollars
DURATION_MAX_US: Final = 7 * 86_400 * 1_000_000

# Times: as far back as roll-ups are kept, and ahead by what a clock may be wrong.
START_BACK_MAX_US: Final = 400 * 86_400 * 1_000_000
START_AHEAD_MAX_US: Final = 10 * 60 * 1_000_000

# Content of evidence: a report of a large run. It is kept apart from its message, in parts below what the bus takes.
CONTENT_BYTES_MAX: Final = 5 * 1024 * 1024
CONTENT_PART_BYTES_MAX: Final = 512 * 1024

# Parts: a message of a thousand calls is about 120 KB, and one full of the longest texts stays below PART_BYTES_MAX.
PART_ITEMS_MAX: Final = 1_000
PART_BYTES_MAX: Final = 700_000
# A part holds one item at least, so its size is bounded by PART_BYTES_MAX, and the largest item is below that.
# The rest up to this is for headers and what all parts carry. The bus must take messages of this size.
MESSAGE_BYTES_MAX: Final = 1024 * 1024
