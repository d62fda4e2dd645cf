"""Input that holds: types with one form for each value, and checks that may ask a database."""

from zenith.validation.addresses import Email, PhoneNumber, Url, phone_number
from zenith.validation.canonical import folded, is_one_script, nfc, skeleton
from zenith.validation.checks import (
    CheckInfo,
    async_field_validator,
    async_model_validator,
    check,
)
from zenith.validation.countries import CountryCode, CountryCode3
from zenith.validation.errors import ChecksTimeoutError
from zenith.validation.models import StrictModel
from zenith.validation.money import Currency, Money
from zenith.validation.names import (
    Age,
    InternationalUsername,
    PersonName,
    Slug,
    Username,
    is_reserved,
)
from zenith.validation.uniqueness import unique

__all__ = [
    "Age",
    "CheckInfo",
    "ChecksTimeoutError",
    "CountryCode",
    "CountryCode3",
    "Currency",
    "Email",
    "InternationalUsername",
    "Money",
    "PersonName",
    "PhoneNumber",
    "Slug",
    "StrictModel",
    "Url",
    "Username",
    "async_field_validator",
    "async_model_validator",
    "check",
    "folded",
    "is_one_script",
    "is_reserved",
    "nfc",
    "phone_number",
    "skeleton",
    "unique",
]
