"""What the collector's stores share."""

from services.collector.store.sql import unused_character


def test_texts_are_separated_by_what_none_of_them_has() -> None:
    assert unused_character("plain") == "\x01"
    assert unused_character("\x01\x02a\n") == "\x03"
    every_low_one = "".join(map(chr, range(1, 0xD800)))
    assert unused_character(every_low_one) == "\ue000"
