"""How secrets look in text: tokens by their form, values by how they are given a name.

What repeats in a pattern is possessive or bounded: no text takes longer than its length. `HEADER`,
`ASSIGNED` and `PASS` are matched against text in small letters.
"""

from __future__ import annotations

import re
from typing import Final


# What stands before a token: no letter, unless it is the end of an escape.
def _apart(length: int) -> str:
    behind = f".{{{length}}}"
    return rf"(?:(?<![\w-]{behind})|(?<=\\[abfnrtv]{behind})|(?<=%[0-9a-fA-F]{{2}}{behind}))"


# The first letters stand in front, and what must stand before them is asked afterwards: that lets
# the engine skip all other letters at once, which takes a tenth of the time.
TOKENS: Final = re.compile(
    r"[bdeBDE](?:"
    rf"(?<=[eE])(?i:yJ){_apart(3)}[\w-]{{5,}}+(?:[+/][\w-]*+){{0,64}}+={{0,2}}"  # JWT, cookie
    r"\.(?:[\w-]++|(?=\.[\w-]))(?:\.[\w-]*+)*+"
    rf"|(?:(?<=[bB])(?:(?i:earer){_apart(6)}|(?i:asic){_apart(5)})"
    rf"|(?<=[dD])(?i:igest){_apart(6)})(?:\s+|(?:%20|\+){{1,4}}+)[\w.~+/=-]{{8,}}"
    r")"
)
OWN_TOKENS: Final = re.compile(rf"[zZ][a-zA-Z]_{_apart(3)}[\w-]{{20,}}")
"""Keys and refresh tokens of Zenith's own."""
ISSUED: Final = re.compile(
    r"gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{15,}|xox[abeprs]-[\w-]{10,}"
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{35}"
    r"|(?<![\w-])(?:sk-[\w-]{20,}|npm_[A-Za-z0-9]{30,}|whsec_[\w+/]{20,}|pypi-[\w-]{20,})"
)
"""Tokens that well-known services issue, by their prefixes."""
HASHED: Final = re.compile(
    r"\$(?:argon2(?:id|i|d)|2[abxy]|scrypt|pbkdf2[\w-]{0,16}+)\$[\w+/=.,$-]{8,}+"
)
"""Hashes of passwords: at home, somebody can guess at them for as long as it takes."""
COLOURS: Final = re.compile(r"(?:\x1b|\\x1b)\[[0-9;]{0,16}+m")
PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[^-]|-(?!----END))*+(?:-----END [A-Z0-9 ]{0,60}+-{0,5})?"
)
URL_PASSWORD: Final = re.compile(
    r"(://[^\s/?#@:\"'<>]{0,256}+:)[^\s/?\"'<>]{1,512}(?=@)"
    r"|(https?://)[^\s/?#@:\"'<>]{1,512}+(?=@)",  # a token alone; elsewhere that is a name
    re.IGNORECASE,
)
URL_SECRET: Final = re.compile(
    r"([?&](?:code|state|key|sig|signature|auth|ticket|sid|session|assertion|x-amz-[\w-]{1,40}+)=)"
    r"[^&\s\"'<>#]++",
    re.IGNORECASE,
)
ECHO: Final = re.compile(
    r"(input_value=)(?:[^,]|,(?! input_type=))*+"  # Pydantic
    r"|(\[parameters: )[^\n]*+"  # SQLAlchemy
    r"|(Key \([^\n=]{1,256}+=)[^\n]*+"  # PostgreSQL
    r"|(row contains )\((?:[^)]|\)(?!\.?(?:\n|\Z)))*+"  # the same; values may have line ends
    r"|(invalid input (?:for|syntax for|value for) [^\n:]{1,200}+: )[^\n]*+"  # and its drivers
)
"""Values that libraries repeat in the texts of their errors."""
STATEMENT: Final = re.compile(
    r"(\[(?:generated in|cached since|no key|caching disabled|raw sql|dialect )[^\]\n]{0,160}+\] )"
    r"[^\n]*+"  # SQLAlchemy with `echo`
    r"|(\ARow )[(\[{][^\n]*+"  # the same with echo=\"debug\"
    r"|(execute[^>\n]{0,160}+>, (?:'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\"), )[^\n]*+"  # aiosqlite
)
"""The same, in what they log of each statement."""
HEADER: Final = re.compile(
    r"(?:[sz]ation|2)?\s{0,4}:\s{0,4}(?![\s\"'\[({\\])(.++(?:\n[ \t]++.++)*+)"
)
"""What follows upon `cookie` and `authori`: the rest of the line is the value, and the lines into
which it is folded.
"""
PASS: Final = re.compile(r"pass(?:w(?:or)?d|w|phrase|code|key|(?![a-z])(?<![my]....))")
_QUOTE: Final = r"(?:\\{0,8}[\"']|%(?:25)?2[27]|&quot;|&#3[49];)"
_LINE: Final = r"(?:\r?\n|(?:\\r)?\\n)"  # or what a repr makes of it
_WORDS: Final = r"(?:[^\r\n\\]|\\(?!n|r\\n))++"
ASSIGNED: Final = re.compile(
    r"(?![-_]?(?:ids?|types?|count|name|expir[a-z]*|ttl|at|url|endpoint)(?![a-z]))[\w-]{0,40}+"
    r"(?:"
    r"\\{0,8}[\"']\s{0,4},?\s{0,4}\\{0,8}[\"']?value\\{0,8}[\"']?\s{0,4}[:=]\s{0,4}"  # a field
    r"|\\{0,8}[\"']\s{0,4},\s{0,4}(?=b?[\"'])"  # a pair, as in a list of headers
    rf"|[\"']{_LINE}(?:[^\r\n\\:]{{1,64}}:[^\r\n\\]{{0,256}}+{_LINE})?{_LINE}"  # a part of a form
    r"|(?<=password)\s{1,4}+(?=[\"'])"  # SQL
    rf"|{_QUOTE}?(?:\[\w{{0,20}}+\]|\]|(?:%5b\w{{0,20}}?)?%5d)?"
    r"(?:\s{0,4}(?:=>|:=|==?|:)(?:\s|\\n){0,16}|%(?:25)?3[ad](?:%(?:25)?20|\+)?|>)"
    r"(?!(?<=oken: )(?!bearer|basic|dpop)[a-z]{1,16} [a-z])"  # a sentence: `token: too old`
    r")"
    r"(?:(?:bearer|basic|digest|negotiate|token|dpop|apikey)\s{1,4}+)?(?:&(?:quot|#3[49]);)?"
    rf"([|>][-+0-9]{{0,2}}+(?:{_LINE}[ \t]{{1,64}}+(?:{_WORDS})?+)++"  # lines of YAML
    rf"|-[ \t]{{1,4}}+{_WORDS}(?:{_LINE}[ \t]{{0,64}}+-[ \t]{{1,4}}+{_WORDS})*+"  # its lists
    r"|[\[({][^\])}]*+[\])}]?"  # where it ends is looked for by its brackets
    r"|(?:"
    r"\\{1,8}[\"'](?:[^\"'\\]|\\(?!\\{0,7}[\"']))*+(?:\\{1,8}[\"'])?"  # JSON inside of JSON
    r'|"(?:[^"\\]|\\.)*+"?'
    r"|'(?:[^'\\]|\\.)*+'?"
    r"|[\[({][^\])}]*+[\])}]?"
    r"|[^\s,;&\"'<>\])}\[({\\]++"
    r"|\\(?![\"'])"
    r")++)",
    re.DOTALL,
)
"""What follows upon a name: how it is assigned, and the value. A quote that is not closed holds all
the rest.
"""
BRACKETS: Final = re.compile(
    r"(?<=[\[({,:=\sb])(?:\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+')|[\[\](){}]", re.DOTALL
)
"""Brackets outside of quotes."""
ELEMENT: Final = re.compile(
    r"(?:\s{1,4}+[\w:.-]{1,40}+=(?:\"[^\"<>]{0,128}+\"|'[^'<>]{0,128}+')){0,4}+\s{0,4}+>"
    r"((?:[^<]|<(?!/)){1,512}+)(?=</)"
)
"""What follows upon the name of an element, up to where one ends."""
OPTION: Final = re.compile(r"[\w-]{0,40}+\s{1,4}+((?:[^\s\"'-]|\"[^\"]*+\"|'[^']*+')[^\s\"']*+)")
"""What follows upon `--name` on a command line."""
BEGUN: Final = re.compile(r"--[\w-]*+\Z")
HANGING: Final = re.compile(r"[^\s,;&\"'<>\])}]*+")
