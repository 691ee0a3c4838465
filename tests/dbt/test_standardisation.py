"""Golden vectors of what identity compares: names, mailboxes, postcodes and addresses, on each engine."""

from collections.abc import Callable, Sequence

import pytest

from tests.dbt.conftest import Dbt
from tests.parity.analyzer import Analyzer

NAMES = {
    # Case, spaces, signs.
    "  José-María ": "jose maria",
    "O’Brien": "o brien",
    "D'Angelo": "d angelo",
    "MÜLLER\u00a0-  Meier": "muller meier",
    "Anne\u2011Marie": "anne marie",
    "": None,
    " - ": None,
    # Letters that are no letters with accents: German, Scandinavian, Polish, Croatian, Turkish, Icelandic, French.
    "Groß": "gross",
    "GROẞ": "gross",
    "Søren Kjærgård": "soren kjaergard",
    "Åse": "ase",
    "Łukasz Wałęsa": "lukasz walesa",
    "Đorđe Šarić": "dorde saric",
    "İbrahim Işık": "ibrahim isik",
    "Ağaoğlu": "agaoglu",
    "Þór Guðmundsson": "thor gudmundsson",
    "Lœtitia": "loetitia",
    "Nguyễn": "nguyen",
    "Dvořák": "dvorak",
    "Ștefan": "stefan",
    # One letter in two forms of Unicode: composed or not, full width, ligatures.
    "Zoe\u0308": "zoe",
    "Ａｎｎａ　Ｌｅｅ": "anna lee",
    "Graﬁn Steﬀen Griﬃn": "grafin steffen griffin",
    "ĲSBRAND": "ijsbrand",
    "ﾔﾏﾀﾞ ﾊﾅｺ": "ヤマタ ハナコ",
    "ヤマダ ハナコ": "ヤマタ ハナコ",
    # Cyrillic, as passports write it: Russian, Ukrainian, Bulgarian, Serbian.
    "Юлия": "iuliia",
    "Пётр Ильич Чайковский": "petr ilich chaikovskii",
    "ЖАННА ЩУКИНА": "zhanna shchukina",
    "Эдуард Хрущёв": "eduard khrushchev",
    "Юрий Гагарин": "iurii gagarin",
    "Марʼяна Євтушенко": "mariana ievtushenko",
    "Андрій Цимбалюк": "andrii tsimbaliuk",
    "Георги Първанов": "georgi parvanov",
    "Ђорђе Љубичић": "dorde ljubichic",
    "Његош Џонић": "njegosh dzonic",
    # Greek, as passports write it.
    "Παπαδόπουλος": "papadopoulos",
    "ΓΕΩΡΓΙΟΣ": "georgios",
    "Ευάγγελος Παύλου": "evangelos pavlou",
    "Ευτυχία Χρήστου": "eftychia christou",
    "Μπάμπης Θεοδωράκης": "bampis theodorakis",
    "Ψαρρός": "psarros",
    # Other scripts stay what they are.
    "王 芳": "王 芳",
    # Titles, generations, degrees; a word alone is a name.
    "Dr. Anna": "anna",
    "Prof. Dr. med. Anna": "anna",
    "Dr. h.c. mult": "mult",
    "Dr.rer.nat. Eva": "eva",
    "Dipl.-Ing. Jan": "jan",
    "Frau Meier": "meier",
    "Fräulein Rosa": "rosa",
    "Señora García": "garcia",
    "Mrs Smith": "smith",
    "Mgr. Jan": "jan",
    "Smith Jr.": "smith",
    "Smith III": "smith",
    "Smith, Ph.D.": "smith",
    "Smith Jr MD": "smith",
    "Drake": "drake",
    "Frauke": "frauke",
    "Profumo": "profumo",
    "Don": "don",
    "Senior": "senior",
    "Herr": "herr",
}

FULL_NAMES = {
    "Anna Meier": ("Anna", "Meier"),
    "Meier, Anna Maria": ("Anna Maria", "Meier"),
    "Ludwig van Beethoven": ("Ludwig", "van Beethoven"),
    "Madonna": ("Madonna", None),
    "Frau Prof. Dr. Anna Meier": ("Anna", "Meier"),
    "Dr. Meier, Anna": ("Anna", "Meier"),
    "Meier, Dr. Anna": ("Anna", "Meier"),
    "John Smith Jr.": ("John", "Smith"),
    "John Smith, Jr.": ("John", "Smith"),
    "Smith, John III": ("John", "Smith"),
    "John Smith, MD, PhD": ("John", "Smith"),
    "Rahman, Md": ("Md", "Rahman"),
    "Dr. Meier": (None, "Meier"),
    "Frau Meier": ("Frau", "Meier"),
    "Martin Luther King": ("Martin Luther", "King"),
}

FOLDED = [
    ("muller", "müller", "mueller"),
    ("jorgensen", "jørgensen", "joergensen"),
    ("agard", "ågård", "aagaard"),
    ("kjar", "kjær", "kjaer"),
    ("stefan", "stephan"),
    ("weiss", "weiß"),
]

MAILBOXES = {
    "ann.lee@gmail.com": "annlee@gmail.com",
    "a.n.n.lee+shop@googlemail.com": "annlee@gmail.com",
    "ann.lee@mail.com": "ann.lee@mail.com",
    "ann.lee+shop+x@mail.com": "ann.lee@mail.com",
    "+ann@mail.com": None,
}

DOMAINS = {
    "https://www.Acme.ch/en?x=1": "acme.ch",
    "acme.ch.": "acme.ch",
    " http://shop.acme.co.uk:8080": "shop.acme.co.uk",
    "acme": None,
    "n/a": None,
    "-": None,
    "none.": None,
    "http://user:word@acme.com/": "acme.com",
    "user@acme.com": None,
    "acme.com,beta.com": "acme.com",
    "acme.com; beta.com": "acme.com",
    "www.com": "www.com",
    "bücher.example": "bücher.example",
    "xn--bcher-kva.example": "xn--bcher-kva.example",
    "acme.xn--p1ai": "acme.xn--p1ai",
    "n.a.": None,
    "t.b.d": None,
    "192.168.1.1": None,
    "acme..com": None,
    "-acme.com": None,
    "acme-.com": None,
    "acme.c0m": None,
}

LEGAL_FORMS = {
    "Acme GmbH": "GmbH",
    "ACME, Inc.": "Inc",
    "Bäckerei Müller GmbH & Co. KG": "KG",
    "Müller AG ": "AG",
    "Forge S.A.": "S.A",
    "Kowalski Sp. z o.o.": "Sp. z o.o",
    "Joana Sa": None,
    "Kim Se": None,
    "Forge SA": "SA",
    "SAP Deutschland SE": "SE",
    "MARIA SA": None,
    "ANNA SE": None,
    "JOHN AS": None,
    "ACME AG": "AG",
    "Ann Corpus": None,
    "Inc": None,
    "Ann Lee": None,
}

POSTCODES = {
    ("sw1a 1aa", None): "SW1A1AA",
    ("sw1a-1aa", "GB"): "SW1A1AA",
    ("D-80331", "DE"): "80331",
    ("1067", "DE"): "01067",
    ("CH 8001", "CH"): "8001",
    ("8001 Zürich", "CH"): "8001ZÜRICH",
    ("1234 ab", "NL"): "1234AB",
    ("NL-1234AB", "NL"): "1234AB",
    ("02139-4307", "US"): "02139",
    ("2139", "US"): "02139",
    ("C1425CLA", "AR"): "1425",
    ("k1a 0b1", "CA"): "K1A0B1",
    ("110 00", "CZ"): "11000",
    ("00-950", "PL"): "00950",
    ("1000-205", "PT"): "1000205",
    ("01310-100", "BR"): "01310100",
    ("800", "AU"): "0800",
    ("〒100-0001", "JP"): "1000001",
    (" - ", "DE"): None,
    (None, "DE"): None,
}

ADDRESSES = [
    ("Hauptstraße 12", "Hauptstr. 12", "HAUPTSTRASSE 12", "Haupt-Strasse 12", "Hauptstr.12"),
    ("Müllerstr. 5 a", "Mullerstraße 5a"),
    ("12 Main Street", "12 Main St.", "12, main st", "Main Street 12"),
    ("5 East 42nd Avenue", "5 E 42nd Ave"),
    ("St. John's Road 7", "7 Saint Johns Rd"),
    ("221b Baker Street", "221B Baker St"),
    ("3 Elm Lane", "Elm Ln 3"),
    ("3 Elm Drive", "Elm Dr 3"),
    ("3 Elm Court", "Elm Ct 3"),
    ("3 Elm Square", "Elm Sq 3"),
    ("Piazza Dante 1", "Pza Dante, 1"),
    ("2 Route de Lyon", "2, rte de Lyon"),
    ("10 Boulevard Saint-Michel", "10, bd St Michel"),
    ("Marienplatz 1", "Marienpl. 1"),
    ("Kerkstraat 8", "Kerkstr 8"),
    ("Calle Mayor 3", "C/ Mayor, 3", "Calle Mayor nº 3"),
]
"""Spellings of one address each, and no two of them the same."""

BIRTH_DATES = {"1980-03-05": "1980-03-05", "1980-05-03": "1980-03-05", "1980-05-30": "1980-05-30"}


def literal(text: str | None) -> str:
    """A text as both engines write it."""
    return "cast(null as string)" if text is None else "'" + text.replace("'", "' || chr(39) || '") + "'"


def checks() -> list[tuple[str, str]]:
    """Calls of macros, and the SQL of the value that each has."""
    names = [(f"name_normalised({literal(name)!r})", literal(expected)) for name, expected in NAMES.items()]
    full_names = [
        (f"{part}_name_of({literal(name)!r})", literal(expected))
        for name, parts in FULL_NAMES.items()
        for part, expected in zip(("given", "family"), parts, strict=True)
    ]
    folded = [
        (f"folded_name(name_normalised({literal(name)!r}))", f"{{{{ folded_name({literal(names[0])!r}) }}}}")
        for names in FOLDED
        for name in names
    ]
    mailboxes = [(f"email_mailbox({literal(email)!r})", literal(expected)) for email, expected in MAILBOXES.items()]
    postcodes = [
        (f"postcode_normalised({literal(code)!r}, {literal(country)!r})", literal(expected))
        for (code, country), expected in POSTCODES.items()
    ]
    addresses = [
        (f"address_normalised({literal(street)!r})", f"{{{{ address_normalised({literal(streets[0])!r}) }}}}")
        for streets in ADDRESSES
        for street in streets
    ]
    domains = [(f"domain_of({literal(site)!r})", literal(domain)) for site, domain in DOMAINS.items()]
    forms = [(f"legal_form_of({literal(name)!r})", literal(form)) for name, form in LEGAL_FORMS.items()]
    dates = [(f'birth_date_either_way("date {literal(day)}")', literal(key)) for day, key in BIRTH_DATES.items()]
    return names + full_names + folded + mailboxes + postcodes + addresses + domains + forms + dates


@pytest.fixture(scope="module")
def dbt(make_dbt: Callable[..., Dbt]) -> Dbt:
    return make_dbt()


def test_every_text_has_the_form_in_which_it_is_compared(dbt: Dbt):
    cases: Sequence[tuple[str, str]] = checks()
    selects = [
        f"select {number} as number, cast({{{{ {call} }}}} as varchar) as found, {expected} as expected"
        for number, (call, expected) in enumerate(cases)
    ]
    rows = dbt.shown("\nunion all\n".join(selects))
    assert len(rows) == len(cases)
    wrong = [
        (cases[int(row["number"])][0], row["found"], row["expected"]) for row in rows if row["found"] != row["expected"]
    ]
    assert wrong == []
    keys = {row["found"] for row in rows if cases[int(row["number"])][0].startswith("address_normalised")}
    assert len(keys) == len(ADDRESSES)


@pytest.mark.parity
def test_google_computes_the_same_forms(make_bigquery_dbt: Callable[[], Dbt]):
    texts = [f"cast(({{{{ {call} }}}}) is not distinct from {expected} as string)" for call, expected in checks()]
    calls = make_bigquery_dbt().rendered("\n@@\n".join(texts)).split("\n@@\n")
    found = Analyzer(lambda *_: None).values(calls)
    assert [call for call, is_right in zip(calls, found, strict=True) if is_right != "true"] == []
