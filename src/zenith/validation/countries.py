"""Countries as ISO 3166-1 codes."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from pydantic import WithJsonSchema

from zenith.validation.names import before

_CODES_TABLE: Final = """
AD AND AE ARE AF AFG AG ATG AI AIA AL ALB AM ARM AO AGO AQ ATA AR ARG AS ASM AT AUT AU AUS AW ABW
AX ALA AZ AZE BA BIH BB BRB BD BGD BE BEL BF BFA BG BGR BH BHR BI BDI BJ BEN BL BLM BM BMU BN BRN
BO BOL BQ BES BR BRA BS BHS BT BTN BV BVT BW BWA BY BLR BZ BLZ CA CAN CC CCK CD COD CF CAF CG COG
CH CHE CI CIV CK COK CL CHL CM CMR CN CHN CO COL CR CRI CU CUB CV CPV CW CUW CX CXR CY CYP CZ CZE
DE DEU DJ DJI DK DNK DM DMA DO DOM DZ DZA EC ECU EE EST EG EGY EH ESH ER ERI ES ESP ET ETH FI FIN
FJ FJI FK FLK FM FSM FO FRO FR FRA GA GAB GB GBR GD GRD GE GEO GF GUF GG GGY GH GHA GI GIB GL GRL
GM GMB GN GIN GP GLP GQ GNQ GR GRC GS SGS GT GTM GU GUM GW GNB GY GUY HK HKG HM HMD HN HND HR HRV
HT HTI HU HUN ID IDN IE IRL IL ISR IM IMN IN IND IO IOT IQ IRQ IR IRN IS ISL IT ITA JE JEY JM JAM
JO JOR JP JPN KE KEN KG KGZ KH KHM KI KIR KM COM KN KNA KP PRK KR KOR KW KWT KY CYM KZ KAZ LA LAO
LB LBN LC LCA LI LIE LK LKA LR LBR LS LSO LT LTU LU LUX LV LVA LY LBY MA MAR MC MCO MD MDA ME MNE
MF MAF MG MDG MH MHL MK MKD ML MLI MM MMR MN MNG MO MAC MP MNP MQ MTQ MR MRT MS MSR MT MLT MU MUS
MV MDV MW MWI MX MEX MY MYS MZ MOZ NA NAM NC NCL NE NER NF NFK NG NGA NI NIC NL NLD NO NOR NP NPL
NR NRU NU NIU NZ NZL OM OMN PA PAN PE PER PF PYF PG PNG PH PHL PK PAK PL POL PM SPM PN PCN PR PRI
PS PSE PT PRT PW PLW PY PRY QA QAT RE REU RO ROU RS SRB RU RUS RW RWA SA SAU SB SLB SC SYC SD SDN
SE SWE SG SGP SH SHN SI SVN SJ SJM SK SVK SL SLE SM SMR SN SEN SO SOM SR SUR SS SSD ST STP SV SLV
SX SXM SY SYR SZ SWZ TC TCA TD TCD TF ATF TG TGO TH THA TJ TJK TK TKL TL TLS TM TKM TN TUN TO TON
TR TUR TT TTO TV TUV TW TWN TZ TZA UA UKR UG UGA UM UMI US USA UY URY UZ UZB VA VAT VC VCT VE VEN
VG VGB VI VIR VN VNM VU VUT WF WLF WS WSM YE YEM YT MYT ZA ZAF ZM ZMB ZW ZWE
"""
_CODES: Final = _CODES_TABLE.split()
ALPHA_3: Final[dict[str, str]] = dict(zip(_CODES[::2], _CODES[1::2], strict=True))
"""Alpha-3 code by alpha-2 code: the 249 countries and territories of ISO 3166-1."""
ALPHA_2: Final = {three: two for two, three in ALPHA_3.items()}


def _alpha_2(text: str) -> str:
    code = text.strip().upper()
    code = ALPHA_2.get(code, code)
    if code not in ALPHA_3:
        raise ValueError(code)
    return code


def _alpha_3(text: str) -> str:
    return ALPHA_3[_alpha_2(text)]


_SAYS: Final = "Enter a country's code (ISO 3166), such as CH"
CountryCode: TypeAlias = Annotated[
    str,
    before(_alpha_2, "country_code", _SAYS),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$", "examples": ["CH"]}),
]
"""The alpha-2 code, in capitals; an alpha-3 code is taken and becomes one."""
CountryCode3: TypeAlias = Annotated[
    str,
    before(_alpha_3, "country_code", _SAYS),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["CHE"]}),
]
"""The same as an alpha-3 code."""
