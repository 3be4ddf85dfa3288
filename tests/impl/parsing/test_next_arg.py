"""Words of parameter strings. Rows that say 7.3.4 follow from what that kernel wrote back for them."""

from errno import EINVAL, ERANGE

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.refused import refused
from zram_impl.errors import ZramError
from zram_impl.parsing.kstrto import parse_u64
from zram_impl.parsing.next_arg import Argument, split_arguments, valued_arguments

SPLIT = {
    "h10: nothing": ("", []),
    "h10: a blank": (" ", []),
    "h10: a newline": ("\n", []),
    "h10: a bare word": ("huge", [("huge", "")]),
    "h10: no value": ("type=", [("type", "")]),
    "h10: two words": ("foo=1 huge", [("foo", "1"), ("huge", "")]),
    "h09: a blank parts key from value": ("page_index= 1", [("page_index", ""), ("1", "")]),
    "7.3.4: all ASCII blanks, anywhere": ("\ta=1\x0b\x0c \r\nb\t", [("a", "1"), ("b", "")]),
    "7.3.4: a NUL ends the text": ("a=1\0b", [("a", "1")]),
    "7.3.4: a NUL inside quotes too": ('a="1\0" b', [("a", "1")]),
    "7.3.4: the first = parts": ("a=1=2", [("a", "1=2")]),
    "7.3.4: a first = does not": ("=huge", [("=huge", "")]),
    "7.3.4: but the one after it does": ("=a=b", [("=a", "b")]),
    "7.3.4: two =": ("==", [("=", "")]),
    "7.3.4: a quoted value": ('type="huge"', [("type", "huge")]),
    "7.3.4: with blanks": ('foo=" " huge', [("foo", " "), ("huge", "")]),
    "7.3.4: an empty quoted value": ('foo="" huge', [("foo", ""), ("huge", "")]),
    "7.3.4: a quoted word": ('"type=huge"', [("type", "huge")]),
    "7.3.4: a quoted word with blanks": ('"a=7 b=8" c', [("a", "7 b=8"), ("c", "")]),
    "7.3.4: a quote left open in front": ('"foo=1 huge', [("foo", "1 huge")]),
    "7.3.4: a quote left open in a value": ('page_index="6', [("page_index", "6")]),
    "7.3.4: a quote at the end only": ('page_index=7"', [("page_index", '7"')]),
    "7.3.4: and it swallows blanks": ('a=7" b', [("a", '7" b')]),
    "7.3.4: quotes within a value stay": ('type=hu"ge"', [("type", 'hu"ge"')]),
    "7.3.4: quotes within a word stay": ('"huge"idle', [('huge"idle', "")]),
    "7.3.4: a quoted key keeps its second": ('"type"=huge', [('type"', "huge")]),
    "7.3.4: one quote at the end is lost, not two": ('a=""1""', [("a", '"1"')]),
    "7.3.4: a quote": ('"', [("", "")]),
    "7.3.4: two quotes": ('""', [("", "")]),
    "7.3.4: two quotes in front": ('""huge', [('"huge', "")]),
    "7.3.4: a quoted blank": ('" "', [(" ", "")]),
    "an open quote as value": ('a="', [("a", "")]),
    "a quoted word whose value is quoted": ('"a="b', [("a", "b")]),
    "blanks beyond ASCII part nothing": ("a\u2003b\x1cc", [("a\u2003b\x1cc", "")]),
    "p5_blank_a0: a byte A0 parts": ("a=1\udca0b=2", [("a", "1"), ("b", "2")]),
    "p5_blank_a0: alone it is nothing": ("\udca0", []),
    "p5_blank_a0: as the second byte of U+00A0": ("x=1\u00a0huge", [("x", "1\udcc2"), ("huge", "")]),
    "odd_bytes: as the second byte of a letter": ("x=\u00e0huge", [("x", "\udcc3"), ("huge", "")]),
    "odd_bytes: as the middle byte of three": ("a=\u2800b", [("a", "\udce2"), ("\udc80b", "")]),
    "odd_bytes: quoted it is a letter": ('"a=4\udca0"', [("a", "4\udca0")]),
    "odd_bytes: other bytes part nothing": ("a=\udc85b\udcffc", [("a", "\udc85b\udcffc")]),
}


@pytest.mark.parametrize(("text", "words"), list(SPLIT.values()), ids=list(SPLIT))
def test_words(text: str, words: list[tuple[str, str]]) -> None:
    assert split_arguments(text) == [Argument(key, value) for key, value in words]


def words_one_character_at_a_time(text: str) -> list[str]:
    """The words of a text, quotes included, found by walking over it."""
    words, word, inside = [], "", False
    for character in f"{text.partition(chr(0))[0]}\0":
        inside ^= character == '"'
        if character == "\0" or (character in " \t\n\v\f\r" and not inside):
            words.append(word)
            word = ""
        else:
            word += character
    return [word for word in words if word]


@given(st.lists(st.sampled_from(['"', "=", " ", "\n", "\0", "a", "b"]), max_size=12).map("".join))
def test_words_are_those_of_a_walk(text: str) -> None:
    words = words_one_character_at_a_time(text)
    assert [len(split_arguments(word)) for word in words] == [1] * len(words)
    assert split_arguments(text) == [argument for word in words for argument in split_arguments(word)]


@given(st.text(alphabet='ab=" \t\n\0é'))
def test_no_quotes_means_a_plain_split(text: str) -> None:
    plain = text.replace('"', "").partition("\0")[0]
    assert [f"{key}={value}".rstrip("=") for key, value in split_arguments(plain)] == [
        w.rstrip("=") for w in plain.split()
    ]


def keys(text: str, *, unknown_keys_ignored: bool) -> list[str]:
    """The keys of a text of which only `a` and `b` are known."""
    return [key for key, _ in valued_arguments(text, ("a", "b"), unknown_keys_ignored=unknown_keys_ignored)]


def test_words_with_values_pass() -> None:
    assert keys("a=1 b=2 a=3", unknown_keys_ignored=False) == ["a", "b", "a"]
    assert keys("a=1 c=2", unknown_keys_ignored=True) == ["a", "c"]


@pytest.mark.parametrize("text", ["a", "a=", 'a=""', "a=1 b", "c", "="])
@pytest.mark.parametrize("unknown_keys_ignored", [False, True])
def test_a_word_without_a_value_is_refused(text: str, unknown_keys_ignored: bool) -> None:
    with refused(EINVAL, r"must have a value, got none in .*; known keys are a, b") as caught:
        keys(text, unknown_keys_ignored=unknown_keys_ignored)
    assert repr(text) in str(caught.value)


def test_an_unknown_key_is_refused_unless_it_is_ignored() -> None:
    with refused(EINVAL, "key must be one of a, b, got 'c' in 'a=1 c=2'"):
        keys("a=1 c=2", unknown_keys_ignored=False)


def test_of_two_mistakes_the_first_decides() -> None:
    arguments = valued_arguments("a=99999999999999999999 b", ("a", "b"), unknown_keys_ignored=False)
    with pytest.raises(ZramError) as caught:
        list(map(parse_u64, (value for _, value in arguments)))
    assert caught.value.errno == ERANGE, "7.3.4: algorithm_params 'level=99999999999999999999 foo'"
