from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scv_platform.activation.config import Scope
from scv_platform.activation.gate import ExportRefused, allowed, check_permitted, gate, withheld
from scv_platform.activation.tables import SUPPRESSIONS
from scv_platform.audiences.rules import Audience, LegalBasis
from scv_platform.audiences.tables import AUDIENCE_MEMBERS
from scv_platform.warehouse.duckdb import DuckDBWarehouse
from tests.audiences.shop import CONSENTS, CUSTOMERS, day, fill, fill_identifiers, make_shop

PURPOSE = "it's a purpose"


def audience(legal_basis: LegalBasis, name: str = "vip") -> Audience:
    return Audience.model_validate(
        {
            "schema_version": 1,
            "name": name,
            "description": "x",
            "owner": "team:x",
            "where": {"all": [{"field": "customers.country", "eq": "CH"}]},
            "legal_basis": legal_basis,
            "purpose": PURPOSE,
            "destinations": [{"name": "files"}],
        }
    )


def members(*customer_ids: str, name: str = "vip") -> list[dict[str, Any]]:
    return [{"name": name, "customer_id": who, "entered_at": date(2024, 6, 1)} for who in customer_ids]


def consent(
    who: str, status: str, channel: str | None = "email", at: str = "2024-01-01", **changes: Any
) -> dict[str, Any]:
    row = {"customer_id": who, "purpose": PURPOSE, "channel": channel, "status": status, "occurred_at": day(at)}
    return {**row, **changes}


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    warehouse = make_shop(tmp_path / "scv.duckdb")
    warehouse.ensure(AUDIENCE_MEMBERS)
    warehouse.ensure(SUPPRESSIONS)
    fill(warehouse, CUSTOMERS, [{"customer_id": who} for who in "abcdefgh"])
    fill(warehouse, AUDIENCE_MEMBERS, members(*"abcdefgh"))
    return warehouse


def reasons(warehouse: DuckDBWarehouse, legal_basis: LegalBasis) -> dict[str, str | None]:
    rows = warehouse.rows(gate(audience(legal_basis)))
    found = {row["customer_id"]: row["reason"] for row in rows}
    assert len(found) == len(rows)
    return found


def test_consent_needs_a_granted_answer_for_the_purpose_and_no_denied_one(warehouse: DuckDBWarehouse) -> None:
    fill(
        warehouse,
        CONSENTS,
        [
            consent("a", "granted"),
            consent("b", "denied"),
            consent("c", "granted", "email"), consent("c", "denied", "sms"),
            consent("d", "granted", purpose="another purpose"),
            consent("e", "granted", at="2024-01-01"), consent("e", "denied", at="2024-02-01"),
            consent("f", "denied", at="2024-01-01"), consent("f", "granted", at="2024-02-01"),
            consent("g", "granted", None), consent("g", "denied", None),
            consent("h", "perhaps"),
        ],
    )  # fmt: skip
    assert reasons(warehouse, LegalBasis.CONSENT) == {
        "a": None, "b": "consent_denied", "c": "consent_denied", "d": "no_consent", "e": "consent_denied", "f": None,
        "g": "consent_denied", "h": "no_consent",
    }  # fmt: skip


@pytest.mark.parametrize("legal_basis", [LegalBasis.CONTRACT, LegalBasis.LEGITIMATE_INTEREST])
def test_contract_and_legitimate_interest_need_no_answer_but_bow_to_a_denial(
    warehouse: DuckDBWarehouse, legal_basis: LegalBasis
) -> None:
    fill(
        warehouse, CONSENTS, [consent("a", "granted"), consent("b", "denied", "sms"), consent("b", "granted", "email")]
    )
    found = reasons(warehouse, legal_basis)
    assert found["a"] is found["c"] is None
    assert found["b"] == "consent_denied"


def test_a_suppression_holds_whatever_the_legal_basis(warehouse: DuckDBWarehouse) -> None:
    fill(warehouse, CONSENTS, [consent(who, "granted") for who in "abcdef"])
    fill_identifiers(
        warehouse,
        ("b", "email", "b@x.org"),
        ("b", "email", "an-older-address@x.org"),
        ("c", "phone", "+41446681800"),
        ("d", "email", "family@x.org"),
        ("e", "email", "family@x.org"),
        ("f", "user_id", "f@x.org"),
    )
    by_identifier = {
        "email": ["\u00a0An-Older-Address@X.org\t\n", "family@x.org", "f@x.org"],
        "phone": ["+41446681800", "+41000000000"],
    }
    suppressions = [
        {"identifier_type": kind, "identifier_value": value}
        for kind, values in by_identifier.items()
        for value in values
    ]
    fill(warehouse, SUPPRESSIONS, [{"customer_id": "a"}, {**suppressions[0], "customer_id": "a"}, *suppressions])
    for legal_basis in LegalBasis:
        found = reasons(warehouse, legal_basis)
        assert [found[who] for who in "abcdef"] == [*["suppressed"] * 5, None]


def test_white_space_that_identity_kept_in_an_address_saves_no_one_from_suppression(warehouse: DuckDBWarehouse) -> None:
    fill_identifiers(warehouse, ("a", "email", "a\u2003@x.org"), ("b", "user_id", "B 1"))
    addresses = [("email", "A@x.org"), ("email", "a\u2003@x.org"), ("user_id", "B 1 ")]
    for kind, value in addresses:
        fill(warehouse, SUPPRESSIONS, [{"identifier_type": kind, "identifier_value": value}])
        assert withheld(warehouse, audience(LegalBasis.INTERNAL)) == {"suppressed": 1}


@pytest.mark.parametrize(
    "phone", ["044 668 18 00", "0041446681800", "+41 44 668 18 00", "+41446681800\n", "+", "", None]
)
def test_a_suppressed_phone_that_could_match_no_one_stops_every_export(
    warehouse: DuckDBWarehouse, phone: str | None
) -> None:
    good = {"identifier_type": "phone", "identifier_value": "+41446681800"}
    fill(warehouse, SUPPRESSIONS, [good, {"customer_id": "a"}, {"identifier_type": "email", "identifier_value": "044"}])
    check_permitted(warehouse, audience(LegalBasis.CONSENT), Scope.EXTERNAL)
    fill(warehouse, SUPPRESSIONS, [good, {**good, "identifier_value": phone}])
    message = r"suppression by phone needs .*E\.164.*; 1 in activation\.suppressions are not.*Correct these rows first"
    for legal_basis in LegalBasis:
        with pytest.raises(ExportRefused, match=message) as error:
            check_permitted(warehouse, audience(legal_basis), Scope.INTERNAL)
        assert "044" not in str(error.value)


def test_who_is_no_customer_any_more_is_held_back(warehouse: DuckDBWarehouse) -> None:
    fill(warehouse, AUDIENCE_MEMBERS, members("a", "merged"))
    assert reasons(warehouse, LegalBasis.INTERNAL) == {"a": None, "merged": "not_a_customer"}


def test_only_open_stays_of_this_audience_count(warehouse: DuckDBWarehouse) -> None:
    left = {"name": "vip", "customer_id": "b", "entered_at": date(2024, 6, 1), "exited_at": date(2024, 6, 2)}
    fill(warehouse, AUDIENCE_MEMBERS, [*members("a"), left, *members("c", name="others")])
    assert reasons(warehouse, LegalBasis.INTERNAL) == {"a": None}


def test_internal_reaches_only_destinations_of_the_company(warehouse: DuckDBWarehouse) -> None:
    check_permitted(warehouse, audience(LegalBasis.INTERNAL), Scope.INTERNAL)
    with pytest.raises(
        ExportRefused, match="legal_basis internal, but the destination has scope external; nothing was sent"
    ):
        check_permitted(warehouse, audience(LegalBasis.INTERNAL), Scope.EXTERNAL)


@pytest.mark.parametrize("legal_basis", set(LegalBasis) - {LegalBasis.INTERNAL})
def test_without_a_table_of_consents_nothing_is_sent(warehouse: DuckDBWarehouse, legal_basis: LegalBasis) -> None:
    warehouse.run(["drop table master.consents"])
    with pytest.raises(ExportRefused, match=r"there is no table master\.consents.*nothing was sent"):
        check_permitted(warehouse, audience(legal_basis), Scope.INTERNAL)


# --- against a plain reference -----------------------------------------------------------------

PEOPLE = "abc"
ANSWERS = st.tuples(
    st.sampled_from(PEOPLE),
    st.sampled_from([PURPOSE, "other"]),
    st.sampled_from([None, "email", "sms"]),
    st.sampled_from(["granted", "denied"]),
    st.sampled_from(["2024-01-01", "2024-01-02", "2030-01-01"]),
)
SUPPRESSED = st.lists(
    st.one_of(st.tuples(st.just("id"), st.sampled_from(PEOPLE)), st.tuples(st.just("email"), st.sampled_from(PEOPLE))),
    max_size=2,
)


def expected_reason(who: str, basis: LegalBasis, answers: list[Any], suppressed: list[Any]) -> str | None:
    if who in {value for _, value in suppressed}:
        return "suppressed"
    if basis is LegalBasis.INTERNAL:
        return None
    newest: dict[str | None, set[str]] = {}
    own = [answer for answer in answers if answer[:2] == (who, PURPOSE)]
    for channel in {answer[2] for answer in own}:
        last = max(answer[4] for answer in own if answer[2] == channel)
        newest[channel] = {answer[3] for answer in own if answer[2] == channel and answer[4] == last}
    if any("denied" in statuses for statuses in newest.values()):
        return "consent_denied"
    return "no_consent" if basis is LegalBasis.CONSENT and not newest else None


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBWarehouse]:
    warehouse = make_shop(tmp_path_factory.mktemp("gate") / "scv.duckdb")
    warehouse.ensure(AUDIENCE_MEMBERS)
    warehouse.ensure(SUPPRESSIONS)
    fill(warehouse, CUSTOMERS, [{"customer_id": who} for who in PEOPLE])
    fill(warehouse, AUDIENCE_MEMBERS, members(*PEOPLE))
    fill_identifiers(warehouse, *((who, "email", f"{who}@x.org") for who in PEOPLE))
    with warehouse.connection():
        yield warehouse


@settings(max_examples=40, deadline=None)
@given(answers=st.lists(ANSWERS, max_size=8), suppressed=SUPPRESSED, basis=st.sampled_from(LegalBasis))
def test_the_gate_lets_through_whom_a_plain_reference_lets_through(
    shared: DuckDBWarehouse, answers: list[Any], suppressed: list[Any], basis: LegalBasis
) -> None:
    fill(
        shared,
        CONSENTS,
        [consent(who, status, channel, at, purpose=purpose) for who, purpose, channel, status, at in answers],
    )
    fill(
        shared,
        SUPPRESSIONS,
        [
            {"customer_id": who} if kind == "id" else {"identifier_type": "email", "identifier_value": f"{who}@x.org"}
            for kind, who in suppressed
        ],
    )
    expected = {who: expected_reason(who, basis, answers, suppressed) for who in PEOPLE}
    assert reasons(shared, basis) == expected
    passed = {row["customer_id"] for row in shared.rows(allowed(audience(basis)))}
    assert passed == {who for who, reason in expected.items() if reason is None}
    held = [reason for reason in expected.values() if reason]
    assert withheld(shared, audience(basis)) == {reason: held.count(reason) for reason in held}
