"""Who becomes one customer, and who does not: rules, guards and levels on families, twins, colleagues and devices.

All stories are resolved in one build: what has no key in common has no influence on each other, which is a property
that the random people at the end hold the layer to.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dbt.conftest import Dbt
from tests.dbt.people import MODELS, SEEDS, Person, device, give, outcomes, person, publish, resolve

MAIL = "family@x.ch"
TEL = "+41446681800"


@dataclass(frozen=True)
class Story:
    """Records, the groups of them that are one customer (letters of the records), and why the others are not."""

    people: tuple[Person, ...]
    together: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def told(*people: Person, together: str = "", reasons: tuple[str, ...] = ()) -> Story:
    return Story(people, tuple(together.split()), reasons)


def pair(first: str, second: str, *, joined: bool, born: tuple[str, str] | None = None, **identifiers: str) -> Story:
    """Two records with one address, or other identifiers, and two names."""
    shared = identifiers or {"email": MAIL}
    dates = born or (None, None)
    people = [
        person(letter, name, date, **shared) for letter, name, date in zip("ab", (first, second), dates, strict=True)
    ]
    return told(*people, together="ab" if joined else "", reasons=() if joined else ("conflict",))


STORIES: dict[str, Story] = {
    # What is clearly another person, and what is not.
    "one person": pair("anna meier", "anna meier", joined=True),
    "husband and wife": pair("anna meier", "hans meier", joined=False),
    "twins": pair("anna meier", "lena meier", joined=False, born=("1990-05-03", "1990-05-03")),
    "names that differ in a letter": pair("julia meier", "julian meier", joined=False),
    "father and son of one name": pair("john smith", "john smith", joined=False, born=("1950-04-02", "1981-09-17")),
    "middle initials of father and son": pair("john_a smith", "john_b smith", joined=False),
    "nickname": pair("robert smith", "bob smith", joined=True),
    "German short form": pair("johannes meier", "hans meier", joined=True),
    "French short form": pair("frederic petit", "fred petit", joined=True),
    "two forms of one name": pair("bill gray", "will gray", joined=True),
    "initial": pair("a meier", "anna meier", joined=True),
    "other initial": pair("b meier", "anna meier", joined=False),
    "typo": pair("katharnia meier", "katharina meier", joined=True),
    "letter left out": pair("michael meier", "micael meier", joined=True),
    "last letter left out": pair("mari meier", "maria meier", joined=True),
    "name cut short": pair("kathar meier", "katharina meier", joined=True),
    "unlisted name that begins like a listed one": pair("tom meier", "tomke meier", joined=False),
    "two slips of one name": pair("franceco meier", "franccesco meier", joined=True),
    "slip that looks like an umlaut": pair("aelgunde meier", "adelgunde meier", joined=True),
    "genders of a name nobody listed": pair("miloslav meier", "miloslava meier", joined=False),
    "umlaut spelt out": pair("juergen meier", "jurgen meier", joined=True),
    "second name": pair("anna_maria meier", "anna meier", joined=True),
    "called by the second name": pair("hans_peter meier", "peter meier", joined=True),
    "hyphen left out": pair("hans_peter meier", "hanspeter meier", joined=True),
    "two second names": pair("jean_pierre petit", "jean_paul petit", joined=False),
    "married name": pair("anna meier", "anna huber", joined=True),
    "no name at all": pair("anna meier", "- -", joined=True),
    "day and month swapped": pair("anna meier", "anna meier", joined=True, born=("1990-05-03", "1990-03-05")),
    "digit wrong in birth date": pair("anna meier", "anna meier", joined=True, born=("1990-05-03", "1990-05-08")),
    "other birth date": pair("anna meier", "anna meier", joined=False, born=("1990-05-03", "1991-11-20")),
    "default birth date": pair("anna meier", "anna meier", joined=True, born=("1990-05-03", "1970-01-01")),
    "name that stands for none": pair("anna meier", "unknown unknown", joined=True),
    # Phones are passed on and shared more often than addresses: the family name must agree too.
    "family phone": pair("anna meier", "hans meier", joined=False, phone=TEL),
    "recycled phone": pair("anna meier", "anna huber", joined=False, phone=TEL),
    "same name and phone": pair("anna meier", "anna meier", joined=True, phone=TEL),
    "double name and phone": pair("anna meier", "anna meier_huber", joined=True, phone=TEL),
    # Two spellings of an address may be one mailbox, and are weaker than the address.
    "one mailbox": pair("anna meier", "anna meier", joined=True, email_mailbox=MAIL),
    "family mailbox": pair("anna meier", "hans meier", joined=False, email_mailbox=MAIL),
    "mailbox under two family names": pair("anna meier", "anna huber", joined=False, email_mailbox=MAIL),
    "mailbox against the address": told(
        person("a", "anna meier", email="anna@x.ch", email_mailbox=MAIL),
        person("b", "anna -", email="anna@x.ch", email_mailbox=MAIL),
        person("c", "andreas meier", email_mailbox=MAIL),
        together="ab",
        reasons=("conflict",),
    ),
    # A name and a birth date tell who somebody is, day and month in whatever order.
    "same name and birth date": told(
        person("a", "anna meier", "1990-05-03"),
        person("b", "anna meier", "1990-03-05"),
        person("c", "anna meier", "1990-05-04"),
        person("d", "lena meier", "1990-05-03"),
        together="ab",
    ),
    "two passports on one birth date": told(
        person("a", "anna meier", "1990-05-03", national_id="1"),
        person("b", "anna meier", "1990-05-03", national_id="2"),
        reasons=("conflict",),
    ),
    "default birth dates": told(person("a", "anna meier", "1970-01-01"), person("b", "anna meier", "1970-01-01")),
    "one passport": pair("anna meier", "anna huber", joined=True, national_id="1"),
    "passport of the other": pair("anna meier", "hans meier", joined=False, national_id="1"),
    # What a system itself refers to is trusted.
    "user with two names": pair("anna meier", "hans meier", joined=True, user_id="u1"),
    "shop customer": pair("anna meier", "hans meier", joined=True, shopify_customer_id="77"),
    "converted lead": pair("anna meier", "hans meier", joined=True, salesforce_id="003"),
    "two passports": told(
        person("a", "anna meier", email=MAIL, national_id="1"),
        person("b", "anna meier", email=MAIL, national_id="2"),
        reasons=("conflict",),
    ),
    # A key that several people have.
    "nameless record in a family": told(
        person("a", "anna meier", email=MAIL),
        person("b", "hans meier", email=MAIL),
        person("c", email=MAIL),
        person("d", "anna meier", email=MAIL),
        together="ad",
        reasons=("ambiguous", "conflict"),
    ),
    "initial between two": told(
        person("a", "anna meier", email=MAIL),
        person("b", "a -", email=MAIL),
        person("c", "andreas meier", email=MAIL),
        person("d", "andi meier", email=MAIL),
        together="cd",
        reasons=("ambiguous", "conflict"),
    ),
    "family name tells whose initial it is": told(
        person("a", "anna meier", email=MAIL),
        person("b", "a meier", email=MAIL),
        person("c", "andreas huber", email=MAIL),
        together="ab",
        reasons=("conflict",),
    ),
    "nameless records alone": told(person("a", email=MAIL), person("b", email=MAIL), together="ab"),
    "nameless chain over two addresses": told(
        person("a", "anna meier", email="anna@x.ch"),
        person("b", email=("anna@x.ch", "hans@x.ch")),
        person("c", "hans meier", email="hans@x.ch"),
        reasons=("chain",),
    ),
    "long nameless chain": told(
        person("a", "anna meier", email="1@x.ch"),
        person("b", email=("1@x.ch", "2@x.ch")),
        person("c", email=("2@x.ch", "3@x.ch")),
        person("d", "hans meier", email="3@x.ch"),
        reasons=("chain",),
    ),
    "chain of one person": told(
        person("a", "anna meier", email="1@x.ch"),
        person("b", email=("1@x.ch", "2@x.ch")),
        person("c", "anna huber", email="2@x.ch"),
        together="abc",
    ),
    "nameless chain over address and phone": told(
        person("a", "anna meier", email="anna@x.ch"),
        person("b", email="anna@x.ch", phone=TEL),
        person("c", "hans meier", phone=TEL),
        together="ab",
        reasons=("conflict",),
    ),
    "one between two leaves the rest together": told(
        person("a", "anna meier", email="1@x.ch"),
        person("b", "anna meier", email="1@x.ch"),
        person("c", email=("1@x.ch", "2@x.ch")),
        person("d", "hans meier", email="2@x.ch"),
        together="ab",
        reasons=("chain",),
    ),
    "what the user id joined is compared as a whole": told(
        person("a", user_id="u1", email=MAIL),
        person("b", "hans meier", user_id="u1"),
        person("c", "anna meier", email=MAIL),
        together="ab",
        reasons=("conflict",),
    ),
    "guest of two names": told(
        person("a", "gus green", email=MAIL),
        person("b", "gina green", email=MAIL),
        replace(person("c", "gina green", email=MAIL), ordered_as=("gus", "gina")),
        reasons=("conflict",),
    ),
    "guest of two names and one of them": told(
        person("a", "gina green", email=MAIL),
        replace(person("b", "gina green", email=MAIL), ordered_as=("gus", "gina")),
        reasons=("conflict",),
    ),
    "guest who writes a name in two ways": told(
        person("a", "anna green", email=MAIL),
        replace(person("b", "ana green", email=MAIL), ordered_as=("anna", "ana", "a")),
        together="ab",
    ),
    "colleagues on a role mailbox": told(
        *(
            replace(person(letter, name, email="info@x.ch"), blocked={"info@x.ch": "shared"})
            for letter, name in [("a", "anna meier"), ("b", "hans huber"), ("c", "anna meier"), ("d", "- -")]
        ),
        together="ac",
        reasons=("blocked",),
    ),
    "names that stand for none on a role mailbox": told(
        *(
            replace(person(letter, name, email="info@x.ch"), blocked={"info@x.ch": "shared"})
            for letter, name in [("a", "- unknown"), ("b", "unknown unknown"), ("c", "- kunde"), ("d", "hans kunde")]
        ),
        reasons=("blocked",),
    ),
    "placeholder": told(
        *(
            replace(person(letter, "anna meier", email="none@x.ch"), blocked={"none@x.ch": "placeholder"})
            for letter in "ab"
        ),
        reasons=("blocked",),
    ),
    "number of a call centre": told(
        *(person(letter, "- -", phone=TEL) for letter in "abcdefghijk"),
        reasons=("hub",),
    ),
    # Devices.
    "device of one person": told(person("a", "anna meier", anonymous_id="d1"), device("b", "d1"), together="ab"),
    "device of two people": told(
        person("a", "anna meier", anonymous_id="d1"),
        person("b", anonymous_id="d1"),
        device("c", "d1"),
        reasons=("shared",),
    ),
    "device of two accounts of one person": told(
        person("a", "anna meier", anonymous_id="d1", email=MAIL),
        person("b", "anna meier", anonymous_id="d1", email=MAIL),
        device("c", "d1"),
        together="abc",
    ),
    "two devices of one person": told(
        person("a", anonymous_id=("d1", "d2")), device("b", "d1"), device("c", "d2"), together="abc"
    ),
}  # fmt: skip


def renamed(story: str, people: Iterable[Person]) -> list[Person]:
    """The records with ids and identifiers that no other story has."""
    return [
        replace(
            one,
            record_id=f"{story}:{one.record_id}",
            # A family name and a birth date would join people of two stories.
            family_name=f"{story} {one.family_name}" if one.family_name and one.birth_date else one.family_name,
            identifiers={
                kind: [f"{story}:{value}" for k, value in one.values() if k == kind] for kind in one.identifiers
            },
            blocked={f"{story}:{value}": kind for value, kind in one.blocked.items()},
        )
        for one in people
    ]


@pytest.fixture(scope="module")
def dbt(make_dbt: Callable[..., Dbt]) -> Dbt:
    made = make_dbt()
    made.run("seed", "--select", *SEEDS)
    return made


def few_addresses(records: int) -> list[Person]:
    """Records that share a few addresses, each of which leads to the next."""
    return [
        person(f"{n:03}", "anna meier", email=sorted({f"{n // 15}@x.ch", f"{max(n - 1, 0) // 15}@x.ch"}))
        for n in range(records)
    ]


STORIES |= {
    # The limit is 20 (`identity_max_values`): one key, or a key of each of two levels, would give one person more.
    "more addresses than a person has": told(
        *(person(who, "anna meier", phone=TEL, email=[f"{who}{n}@x.ch" for n in range(11)]) for who in "ab"),
        reasons=("crowded",),
    ),
    "as many addresses as a person has": told(
        *(person(who, "anna meier", phone=TEL, email=[f"{who}{n}@x.ch" for n in range(10)]) for who in "ab"),
        together="ab",
    ),
    "chain of more rotating addresses than a person has": told(
        *(person(f"{n:02}", "anna meier", email=(f"{n}@x.ch", f"{n + 1}@x.ch")) for n in range(20)),
        reasons=("crowded",),
    ),
    "chain of as many rotating addresses as a person has": told(
        *(person(f"{n:02}", "anna meier", email=(f"{n}@x.ch", f"{n + 1}@x.ch")) for n in range(19)),
        together="".join(f"{n:02}" for n in range(19)),
    ),
    # The limit is 200 (`identity_size_cap`).
    "more records than a person has": told(*few_addresses(201), reasons=("crowded",)),
    "as many records as a person has": told(*few_addresses(200), together="".join(f"{n:03}" for n in range(200))),
    "key of ten thousand records": told(
        *(person(f"{n:05}", "anna meier", email=MAIL, user_id="u") for n in range(10_000)), reasons=("hub",)
    ),
    "records that know nothing": told(person("a"), person("b"), Person("c", identifiers={"email": []})),
    "source that sends one record under two ids": told(
        person("a", "anna meier", "1990-05-03", email=MAIL),
        person("b", "anna meier", "1990-05-03", email=MAIL),
        together="ab",
    ),
    "mailboxes of many count for nobody": told(
        *(
            replace(
                person(who, "anna meier", phone=TEL, email=(mails := [f"{who}{n}@x.ch" for n in range(11)])),
                blocked=dict.fromkeys(mails, "shared"),
            )
            for who in "ab"
        ),
        together="ab",
    ),
}


@pytest.fixture(scope="module")
def resolved(dbt: Dbt) -> dict[str, tuple[set[str], set[str]]]:
    """What became of each story."""
    people = [one for story, told in STORIES.items() for one in renamed(story, told.people)]
    return outcomes(dbt, resolve(dbt, people), STORIES)


@pytest.mark.parametrize("story", STORIES)
def test_the_right_records_are_one_customer(story: str, resolved: dict[str, tuple[set[str], set[str]]]):
    groups, reasons = resolved[story]
    assert groups == set(STORIES[story].together)
    assert reasons == set(STORIES[story].reasons)


GIVEN_NAMES = {None: None, "robert": "robert", "bob": "robert", "r": "r", "anna": "anna", "rosa": "rosa"}
"""Names of the random people, and whose they are."""


def conflict(one: Person, other: Person) -> bool:
    """Whether two of the random people are clearly not the same person: the guard, told in another way."""
    names = [GIVEN_NAMES[one.given_name], GIVEN_NAMES[other.given_name]]
    if None not in names and names[0] != names[1] and ("r" not in names or "anna" in names):
        return True
    return None not in (one.birth_date, other.birth_date) and one.birth_date != other.birth_date


def random_people(dice: random.Random) -> list[Person]:
    """A few records with few values, so that they share many."""

    def some(kind: str, probability: float, values: int) -> dict[str, list[str]]:
        if dice.random() > probability:
            return {}
        return {kind: [f"{kind}{dice.randrange(values)}" for _ in range(dice.choice((1, 1, 1, 2)))]}

    return [
        Person(
            record_id=f"{number:02}",
            given_name=dice.choice(list(GIVEN_NAMES)),
            family_name=dice.choice((None, "meier", "meier", "huber")),
            birth_date=dice.choice((None, None, "1980-01-02", "1955-07-19")),
            identifiers={**some("user_id", 0.3, 3), **some("email", 0.8, 3), **some("phone", 0.5, 2)},
        )
        for number in range(dice.randrange(2, 9))
    ]


def joined_by_user_id(people: list[Person]) -> dict[str, int]:
    """The group of each record by user ids alone."""
    group = {one.record_id: number for number, one in enumerate(people)}
    for one, other in list(combinations(people, 2)) * len(people):
        if set(one.identifiers.get("user_id", ())) & set(other.identifiers.get("user_id", ())):
            group[one.record_id] = group[other.record_id] = min(group[one.record_id], group[other.record_id])
    return group


@settings(max_examples=2, deadline=None)
@given(st.integers(0, 2**32))
def test_nobody_is_joined_with_another_person_and_neither_order_nor_strangers_matter(dbt: Dbt, seed: int):
    dice = random.Random(seed)
    worlds = {f"w{number}": random_people(dice) for number in range(80)}
    worlds = {world: renamed(world, members) for world, members in worlds.items()}
    people = [one for members in worlds.values() for one in members]
    groups = resolve(dbt, people)
    edges = dbt.table("identity.edges")

    customers = {record: group for group in groups for record in group}
    for members in worlds.values():
        users = joined_by_user_id(members)
        for one, other in combinations(members, 2):
            is_one_customer = other.record_id in customers.get(one.record_id, ())
            if users[one.record_id] == users[other.record_id]:
                assert is_one_customer, "a user id always joins"
            elif is_one_customer:
                assert not conflict(one, other), "nobody is one customer with somebody who clearly is another person"
    refused = dbt.rows("select distinct reason from identity.edges where status = 'refused'")
    assert {row["reason"].split(":")[0] for row in refused} <= {"conflict", "ambiguous", "chain"}

    # Another order, and people who have nothing to do with these, change nothing.
    strangers = renamed("zz", random_people(dice))
    shuffled = dice.sample(people + strangers, len(people) + len(strangers))
    assert {group for group in resolve(dbt, shuffled) if not any(r.startswith("zz") for r in group)} == groups
    assert [edge for edge in dbt.table("identity.edges") if not edge[0].startswith("zz")] == edges


WRONG_RULES = {
    "[{name: a, keys: [emial], level: 1}]": "rule a: emial is neither an identifier type",
    "[{name: E-Mail, keys: [email], level: 1}]": "rule E-Mail: a name has lower case letters",
    "[{name: a, keys: [], level: 1}]": "rule a: keys is missing",
    "[{keys: [email], level: 1}]": "rule 1: name is missing",
    "[{name: a, keys: [family_name], level: 1}]": "rule a: these attributes tell nobody apart",
    "[{name: a, keys: [given_name, family_name, postcode], level: 1}]": "rule a: these attributes tell nobody apart",
    "[{name: a, keys: [family_name, birth_date], level: 1}]": "rule a: these attributes tell nobody apart",
    "[{name: a, keys: [email], level: 1}, {name: a, keys: [phone], level: 2}]": "rule a: another rule has this name",
    "[{name: a, keys: [email], level: 0}]": "rule a: level is",
    "[{name: a, keys: [email], level: 1, gaurd: []}]": "rule a: gaurd is no part of a rule",
    "[{name: a, keys: [email], level: 1}, {name: b, keys: [phone], level: 1, guard: [birth_date]}]": "the same guard",
    "[{name: a, keys: [email], level: one}]": "rule a: level is",
    "[{name: a, keys: [email]}]": "rule a: level is missing",
    "[{name: a, keys: [email], level: 1, max_shared: many}]": "rule a: a limit is a whole number",
    "[{name: a, keys: [email], level: 1, max_people: 0}]": "rule a: a limit is a whole number",
    "[{name: a, keys: [email], level: 1, guard: [birthdate]}]": "rule a: birthdate is neither an identifier type",
    "[{name: a, keys: [email], level: 1, guard: [birth_date_either_way]}]": "guards nothing; use birth_date",
    "[{name: a, keys: [email], level: 1, strength: sure}]": "rule a: strength is certain, strong or weak",
    "[{name: steward, keys: [email], level: 1}]": "rule steward: the links of stewards",
    "[{name: model, keys: [email], level: 1}]": "rule model: the links of stewards and of the linkage model",
    "[{name: a, keys: [email], level: 5}]": "rule a: this level is that of the linkage model",
}


WRONG_GUARDS = {
    "guard: [given_nmae], contacts: []": "given_nmae is neither an identifier type nor an attribute that guards",
    "guard: [], contacts: [e_mail]": "e_mail is neither an identifier type nor an attribute that guards",
    "guard: [birth_date_either_way], contacts: []": "birth_date_either_way is neither",
}


def test_a_wrong_guard_of_the_model_stops_the_build(dbt: Dbt):
    for guards, message in WRONG_GUARDS.items():
        model = f"{{identity_model: {{level: 5, {guards}}}}}"
        assert message in dbt.refuses("compile", "--select", "edges", "--vars", model)


WRONG_LIMITS = {
    "{emial: 3}": "emial is no identifier type",
    "{email: 0}": "the limit of email is a whole number from 1",
    "{email: many}": "the limit of email is a whole number from 1",
}


def test_a_wrong_limit_of_identifiers_stops_the_build(dbt: Dbt):
    for limits, message in WRONG_LIMITS.items():
        assert message in dbt.refuses("compile", "--select", "edges", "--vars", f"{{identity_max_values: {limits}}}")


def test_without_a_limit_one_person_may_have_any_number_of_identifiers(dbt: Dbt):
    give(dbt, [person(who, "anna meier", phone=TEL, email=[f"{who}{n}@x.ch" for n in range(30)]) for who in "ab"])
    dbt.run("run", "--select", *MODELS, "--vars", "{identity_max_values: {}}")
    assert dbt.rows("select distinct status from identity.edges") == [{"status": "kept"}]


def test_a_wrong_rule_stops_the_build_with_its_name_and_what_to_do(dbt: Dbt):
    for rules, message in WRONG_RULES.items():
        assert message in dbt.refuses("compile", "--select", "match_keys", "--vars", f"{{identity_rules: {rules}}}")


def test_a_record_that_changes_every_identifier_at_once_is_somebody_else_and_comes_back(make_dbt: Callable[..., Dbt]):
    dbt = make_dbt()
    dbt.run("seed", "--select", *SEEDS)
    other = person("shop:1", "anna meier", email=MAIL)
    before = person("crm:1", "anna meier", "1990-05-03", email=MAIL, phone=TEL, user_id="u1")
    after = person("crm:1", "eva huber", "1971-11-20", email="eva@x.ch", phone="+41446681811", user_id="u2")

    def customers(record: Person) -> dict[str, str]:
        publish(dbt, [record, other])
        rows = dbt.rows("select record_id, customer_id from identity.identity_map")
        return {row["record_id"]: row["customer_id"] for row in rows}

    one = customers(before)
    assert one["crm:1"] == one["shop:1"]
    two = customers(after)
    assert two["crm:1"] == one["crm:1"], "an id goes with the record that bears it"
    assert two["shop:1"] != one["shop:1"]
    assert customers(before) == one
    redirects = dbt.rows("select old_customer_id, customer_id from identity.customer_redirects")
    assert redirects == [{"old_customer_id": two["shop:1"], "customer_id": one["crm:1"]}]
