"""Money: an exact amount and its currency.

Threat: amounts as binary floats, whose cents drift; amounts finer than any coin; huge ones that
overflow a column; amounts of two currencies added up (ASVS 2.2.1, 2.2.3).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Self, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    WithJsonSchema,
    field_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from zenith.validation.names import before

_TWO_TABLE: Final = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF
CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL
MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR
PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
_TWO: Final = _TWO_TABLE.split()
_NONE_TABLE: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_NONE: Final = _NONE_TABLE.split()
_THREE_TABLE: Final = "BHD IQD JOD KWD LYD OMR TND"
_THREE: Final = _THREE_TABLE.split()
_FOUR_TABLE: Final = "CLF UYW"
_FOUR: Final = _FOUR_TABLE.split()
MINOR_DIGITS: Final = {
    code: digits
    for digits, codes in ((2, _TWO), (0, _NONE), (3, _THREE), (4, _FOUR))
    for code in codes
}
"""Digits after the point by currency (ISO 4217, as of 2026)."""
LIMIT: Final = Decimal(10) ** 15
"""Amounts stay below it, so that they fit NUMERIC(19, 4)."""
MAX_DIGITS: Final = 40
"""Characters of an amount that are read."""


def _currency(text: str) -> str:
    code = text.strip().upper()
    if code not in MINOR_DIGITS:
        raise ValueError(code)
    return code


Currency: TypeAlias = Annotated[
    str,
    before(_currency, "currency", "Enter a currency's code (ISO 4217), such as EUR"),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["EUR"]}),
]
"""An ISO 4217 code, in capitals."""


def _exact(value: Any) -> Any:
    if isinstance(value, float | bool):
        raise PydanticCustomError(
            "money_exact", 'Write the amount as text, such as "12.50": a float is not exact'
        )
    is_long = isinstance(value, str) and len(value) > MAX_DIGITS
    if is_long or (isinstance(value, int) and abs(value) >= LIMIT):
        raise PydanticCustomError("money_limit", "The amount is too large")
    return value


class Money(BaseModel):
    """`{"amount": "12.50", "currency": "EUR"}`: never a float, never finer than the currency's
    smallest unit, always with as many digits as that has. Sums and comparisons are for one
    currency only; they raise ValueError for two.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False
    )

    amount: Annotated[
        Decimal,
        BeforeValidator(_exact),
        WithJsonSchema({"type": "string", "pattern": r"^-?\d{1,15}(\.\d{1,4})?$"}),
    ]
    currency: Currency

    @model_validator(mode="after")
    def _fits(self) -> Self:
        digits = MINOR_DIGITS[self.currency]
        # Not by abs(), which fails for exponents that arithmetic does not reach.
        small = -LIMIT < self.amount < LIMIT
        if not small or self.amount.adjusted() < -MAX_DIGITS:
            raise PydanticCustomError("money_limit", "The amount is too large")
        whole = self.amount.quantize(Decimal(1).scaleb(-digits))
        if whole != self.amount:
            raise PydanticCustomError(
                "money_digits", "The amount has more digits than its currency"
            )
        # One form for each value: 12.5 is 12.50, and there is no -0.
        object.__setattr__(self, "amount", whole + 0)
        return self

    @field_serializer("amount")
    def _written(self, amount: Decimal) -> str:
        return f"{amount:f}"

    def __add__(self, other: Money) -> Money:
        return self._of(self.amount + self._same(other))

    def __sub__(self, other: Money) -> Money:
        return self._of(self.amount - self._same(other))

    def __neg__(self) -> Money:
        return self._of(-self.amount)

    def __mul__(self, times: int) -> Money:
        return self._of(self.amount * times)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._same(other)

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"

    def _of(self, amount: Decimal) -> Money:
        return Money(amount=amount, currency=self.currency)

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} are not the same money")
        return other.amount
