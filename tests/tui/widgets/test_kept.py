from durably_tui.tui.widgets.kept import Kept


def test_what_is_put_in_takes_the_place_of_what_was_there():
    kept = Kept[str, int](2)
    kept["a"] = 1
    kept["a"] = 2
    assert kept == {"a": 2}


def test_what_was_put_in_longest_ago_makes_room():
    kept = Kept[str, int](2)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        kept[key] = value
    assert kept == {"a": 3, "c": 4}
