"""Claim codes and papers: what a person types wrong is found before anything is sent."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.errors import BadInput
from robot.reporting.enrolment import (
    ALPHABET,
    CODE_LETTERS,
    Paper,
    fingerprint,
    make_claim,
    read_claim,
    read_fingerprint,
    read_paper,
)

pytestmark = pytest.mark.unit

CODES = st.builds(make_claim)
PLACES = st.integers(0, CODE_LETTERS - 1)


def bare(code: str) -> list[str]:
    return list(code.replace("-", ""))


@given(CODES)
def test_a_code_is_read_however_it_was_typed(code: str) -> None:
    assert read_claim(code) == code
    assert read_claim(f" {code.lower().replace('-', ' ')}\n") == code
    assert set(bare(code)) <= set(ALPHABET)


@given(CODES, PLACES, PLACES, st.sampled_from(ALPHABET), st.sampled_from(ALPHABET))
def test_one_or_two_wrong_letters_are_always_found(code: str, one: int, two: int, first: str, second: str) -> None:
    typed = bare(code)
    typed[one], typed[two] = first, second
    if typed == bare(code):
        assert read_claim("".join(typed)) == code
    else:
        with pytest.raises(BadInput):
            read_claim("".join(typed))


@given(CODES, PLACES, PLACES)
def test_two_swapped_letters_are_always_found(code: str, one: int, two: int) -> None:
    typed = bare(code)
    typed[one], typed[two] = typed[two], typed[one]
    if typed != bare(code):
        with pytest.raises(BadInput):
            read_claim("".join(typed))


@given(st.text(max_size=40))
def test_no_text_breaks_the_readers(text: str) -> None:
    for reader in (read_claim, read_fingerprint, read_paper):
        with contextlib.suppress(BadInput):
            reader(text)


def test_an_error_does_not_repeat_the_code() -> None:
    """Errors end in logs, and a code with one wrong letter is nearly the right one."""
    for typed in ("2VFP5DJGX8Q2GK4H", "2VFP5DJGX8Q2GK4", "0VFP5DJGX8Q2GK4G"):
        with pytest.raises(BadInput) as error:
            read_claim(typed)
        assert typed[4:12] not in str(error.value)


def test_codes_have_no_letters_that_look_alike_and_are_a_prime_number() -> None:
    """The check letters are a code over a field: only then are two errors always found."""
    assert not set(ALPHABET) & set("01ILOSZ")
    assert len(set(ALPHABET)) == len(ALPHABET) == 29
    assert read_claim("2VFP-5DJG-X8Q2-GK4G") == "2VFP-5DJG-X8Q2-GK4G"  # as printed in version 1, for ever


def test_a_paper_is_read_as_it_was_written() -> None:
    paper = Paper("https://platform.example:8443", make_claim(), fingerprint(b"certificate"))
    assert read_paper(str(paper)) == paper
    for wrong in ("", "hani1", str(paper) + " more", str(paper).replace("hani1", "hani2")):
        with pytest.raises(BadInput):
            read_paper(wrong)


def test_a_fingerprint_is_half_of_sha256_and_read_with_colons_or_capitals() -> None:
    printed = fingerprint(b"")
    assert printed == "e3b0-c442-98fc-1c14-9afb-f4c8-996f-b924"
    assert read_fingerprint(printed.upper().replace("-", ":")) == printed
    for wrong in ("", printed[:-1], printed.replace("e", "g")):
        with pytest.raises(BadInput):
            read_fingerprint(wrong)
