from __future__ import annotations

import pytest

from zenith.kernel.errors import ConfigurationError, ValidationError
from zenith.passwords import PasswordPolicy, PasswordSettings

NIST = PasswordPolicy.nist()
GUIDE = PasswordPolicy.guide()
MAIL = "alexander.hamilton@example.com"


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "the moss grows on northern trees",
        "пароль который никто не знает",
        "kX9$vQ2!mZ7#pLw",
        "SecurePassword123!",
    ],
)
def test_nist_takes_any_composition(password: str) -> None:
    assert NIST.check(password).ok


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "too_short"),
        ("kX9$vQ2!mZ7#pL", "too_short"),
        ("kX9$vQ2!mZ7#pLw " * 9, "too_long"),
        ("x" * 1_000_000, "too_long"),
        ("\ufdfa" * 120 + "\u1e9b\u0323" * 8 + "x" * 700, "too_long"),
        ("\U0001d15e" * 120, "too_long"),
        ("a valid beginning \ud800", "not_text"),
        ("polniypizdec0211", "common"),
        ("POLNIYpizdec0211", "common"),
        ("passwordpassword", "common"),
        ("password12345678", "guessable"),
        ("P@ssw0rd!P@ssw0rd!", "guessable"),
        ("aaaaaaaaaaaaaaaaaaa", "guessable"),
        ("abcdefghijklmnopqrstuvwxyz", "guessable"),
        ("qwertyuiopasdfghjkl", "guessable"),
        ("Summer2024Summer2024", "guessable"),
    ],
)
def test_nist_refuses(password: str, code: str) -> None:
    result = NIST.check(password)
    assert not result
    assert code in result.codes
    assert all(problem.message for problem in result.problems)


def test_a_second_factor_allows_eight() -> None:
    password = "vQ2!mZ7#"
    assert PasswordPolicy.nist(multi_factor=True).check(password)
    assert NIST.check(password).codes == ("too_short",)


@pytest.mark.parametrize("length", [64, 100, 128])
def test_long_passwords_are_taken(length: int) -> None:
    assert NIST.check(("the moss grows on northern trees. " * 4)[:length])


@pytest.mark.parametrize(
    ("password", "codes"),
    [
        ("kX9$vQ2!mZ7#", ()),
        ("SecurePassword123!", ()),
        ("kX9$vQ2!mZ7", ("too_short",)),
        ("kx9$vq2!mz7#", ("no_uppercase",)),
        ("KX9$VQ2!MZ7#", ("no_lowercase",)),
        ("kXe$vQw!mZt#", ("no_digit",)),
        ("kX9evQ2wmZ7t", ("no_special",)),
        ("Password123!", ("guessable",)),
        ("Aaaaaaaaaaaaaaa1!", ("predictable",)),
    ],
)
def test_guide(password: str, codes: tuple[str, ...]) -> None:
    assert GUIDE.check(password).codes == codes


@pytest.mark.parametrize(
    ("password", "context"),
    [
        ("alexander.hamilton1", [MAIL]),
        ("Alexander.Hamilton@Example.com", [MAIL]),
        ("4lex4nder-H4milton!", [MAIL]),
        ("hamilton-alexander-1987", [MAIL]),
        ("alexanderhamilt0n!!", ["Alexander Hamilton"]),
        ("notlimah.rednaxela", ["notlimah", "rednaxela"]),
        ("our zenithian portal", ["zenithian portal"]),
    ],
)
def test_the_accounts_own_data(password: str, context: list[str]) -> None:
    assert NIST.check(password, context=context).codes == ("similar",)
    assert NIST.check(password).ok


def test_the_services_own_names() -> None:
    policy = PasswordPolicy.nist(context_words=("Umbrella Corporation",))
    assert policy.check("umbrellacorporation1").codes == ("similar",)
    assert PasswordPolicy.guide(context_words=("Umbrella Corporation",)).check(
        "Umbrella-Corporation-1"
    ).codes == ("similar",)


def test_other_context_does_no_harm() -> None:
    result = NIST.check("the moss grows on northern trees", context=[MAIL, "", "x", "the"])
    assert result.ok
    assert result.entropy > 40


def test_huge_context_is_bounded() -> None:
    context = ["alexander" * 10_000] * 10_000
    assert NIST.check("the moss grows on northern trees", context=context).ok


def test_a_single_problem_reads_as_its_message() -> None:
    (problem,) = NIST.check("kX9$vQ2!mZ7#pL").problems
    assert str(problem) == "Use at least 15 characters"


def test_require() -> None:
    NIST.check("the moss grows on northern trees").require()
    with pytest.raises(ValidationError) as caught:
        NIST.check("short").require(field="new_password")
    assert caught.value.errors[0] == {
        "type": "password_too_short",
        "loc": ["body", "new_password"],
        "msg": "Use at least 15 characters",
    }


def test_the_password_is_not_in_the_result() -> None:
    assert "sw0rdfish" not in repr(NIST.check("sw0rdfish"))


def test_from_settings() -> None:
    assert PasswordPolicy.from_settings(PasswordSettings()) == NIST
    assert PasswordPolicy.from_settings(PasswordSettings(policy="guide")) == GUIDE
    own = PasswordPolicy.from_settings(
        PasswordSettings(min_length=20, max_length=64, context_words=("zenith",))
    )
    assert (own.min_length, own.max_length, own.context_words) == (20, 64, ("zenith",))


@pytest.mark.parametrize(("least", "most"), [(0, 10), (20, 10)])
def test_impossible_policies(least: int, most: int) -> None:
    with pytest.raises(ConfigurationError, match="min_length"):
        PasswordPolicy(min_length=least, max_length=most)


def test_lengths_count_characters_after_normalisation() -> None:
    policy = PasswordPolicy.nist(multi_factor=True)
    assert "too_short" not in policy.check("e\u0301" * 8).codes
    assert "too_short" in policy.check("e\u0301" * 7).codes


def test_warm_up_reads_the_lists() -> None:
    from zenith.passwords.dictionary import packaged_words

    packaged_words.cache_clear()
    NIST.warm_up()
    assert packaged_words.cache_info().currsize == 1
