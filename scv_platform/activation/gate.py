"""The gate: who of an audience may be sent, and why the others are held back. It fails closed.

| legal basis | sent are |
|---|---|
| consent | who granted the purpose on a channel, and denied it on none |
| contract, legitimate_interest | who did not deny the purpose on any channel |
| internal | everyone, but only to a destination of the company |

What counts per channel is the newest answer; of two answers of one moment the denial counts. Suppressions always
apply, by customer_id and by every identifier that any record of the customer has; one that could match no one stops
the export. Consents and suppressions are what is known now, whatever as_of is.
"""

from enum import StrEnum

from sqlglot import exp

from scv_platform.activation.config import Scope
from scv_platform.activation.tables import SUPPRESSIONS
from scv_platform.audiences.rules import Audience, LegalBasis
from scv_platform.audiences.tables import AUDIENCE_MEMBERS
from scv_platform.errors import ReadableError
from scv_platform.warehouse import Warehouse, bind

_CONSENTS = "master.consents"
_CUSTOMERS = "master.customers"
_IDENTIFIERS = "identity.identifiers"
_IDENTITY_MAP = "identity.identity_map"


class Reason(StrEnum):
    """Why a member is held back; when several hold, the first in this order is told."""

    NOT_A_CUSTOMER = "not_a_customer"
    SUPPRESSED = "suppressed"
    CONSENT_DENIED = "consent_denied"
    NO_CONSENT = "no_consent"


class ExportRefused(ReadableError):
    """The export may not begin; nothing was sent."""


def check_permitted(warehouse: Warehouse, audience: Audience, scope: Scope) -> None:
    """`ExportRefused` when the legal basis does not reach this destination, or it or a suppression cannot be judged."""
    _check_suppressed_phones(warehouse)
    if audience.legal_basis is LegalBasis.INTERNAL:
        if scope is not Scope.INTERNAL:
            raise ExportRefused(
                f"audience {audience.name!r} has legal_basis internal, but the destination has scope {scope};"
                " nothing was sent. State a legal basis that covers it, or choose an internal destination."
            )
    elif not warehouse.exists(_CONSENTS):
        raise ExportRefused(
            f"there is no table {_CONSENTS}, so legal_basis {audience.legal_basis} of audience {audience.name!r}"
            " cannot be judged; nothing was sent. Materialise master/consents first."
        )


def _check_suppressed_phones(warehouse: Warehouse) -> None:
    """Identity knows phone numbers with their country; a national number would suppress no one."""
    (row,) = warehouse.rows(_MISWRITTEN_PHONES)
    if row["miswritten"]:
        raise ExportRefused(
            f"a suppression by phone needs the number as + and digits with the calling code of the country (E.164, such"
            f" as +41446681800); {row['miswritten']} in {SUPPRESSIONS} are not, and would suppress no one; nothing was"
            " sent. Correct these rows first."
        )


def tables_read(audience: Audience) -> list[str]:
    """The tables that decide about this audience, beside its members and the suppressions."""
    consents = [] if audience.legal_basis is LegalBasis.INTERNAL else [_CONSENTS]
    return [_CUSTOMERS, _IDENTIFIERS, _IDENTITY_MAP, *consents]


def gate(audience: Audience) -> exp.Expr:
    """A select of every member with the reason for which she is held back, null when she may be sent."""
    if audience.legal_basis is LegalBasis.INTERNAL:
        return bind(_GATE.format(consents=_NO_CONSENTS_NEEDED), audience=audience.name, must_consent=False)
    return bind(
        _GATE.format(consents=_NEWEST_CONSENTS),
        audience=audience.name,
        purpose=audience.purpose,
        must_consent=audience.legal_basis is LegalBasis.CONSENT,
    )


def allowed(audience: Audience) -> exp.Expr:
    """A select of the members who may be sent."""
    return exp.select("customer_id").from_(_gated(audience)).where("reason is null")


def withheld(warehouse: Warehouse, audience: Audience) -> dict[str, int]:
    """How many members are held back, by reason."""
    held = exp.select("reason", "count(*) as members").from_(_gated(audience)).where("reason is not null")
    rows = warehouse.rows(held.group_by("reason").order_by("reason"))
    return {row["reason"]: row["members"] for row in rows}


def _gated(audience: Audience) -> exp.Subquery:
    return exp.Subquery(this=gate(audience), alias=exp.TableAlias(this=exp.to_identifier("gated")))


_NEWEST_CONSENTS = f"""
    select
        customer_id,
        max(case when status = 'denied' then 1 else 0 end) as denied,
        max(case when status = 'granted' then 1 else 0 end) as granted
    from (
        select
            customer_id,
            status,
            row_number() over (
                partition by customer_id, channel
                order by occurred_at desc, case when status = 'denied' then 0 else 1 end
            ) as recency
        from {_CONSENTS}
        where purpose = $purpose
    ) as answers
    where recency = 1
    group by customer_id
"""
_MISWRITTEN_PHONES = bind(rf"""
    select count(*) as miswritten from {SUPPRESSIONS}
    where identifier_type = 'phone' and not regexp_like(coalesce(identifier_value, ''), '^\+[0-9]+$')
""")


def _comparable(relation: str) -> str:
    """What identifiers are compared by; the same for both sides, so that no white space comes between them."""
    value = f"{relation}.identifier_value"
    return rf"""
        case when {relation}.identifier_type = 'email' then lower(regexp_replace({value}, '[\s\pZ]+', '', 'g'))
        else trim({value}) end
    """


_NO_CONSENTS_NEEDED = "select cast(null as string) as customer_id, 0 as denied, 0 as granted"
_GATE = f"""
with members as (
    select customer_id from {AUDIENCE_MEMBERS} where name = $audience and exited_at is null
),

suppressed as (
    select customer_id from {SUPPRESSIONS}
    union distinct
    select identity_map.customer_id
    from {SUPPRESSIONS} as suppressions
    inner join {_IDENTIFIERS} as identifiers
        on identifiers.identifier_type = suppressions.identifier_type
        and {_comparable("identifiers")} = {_comparable("suppressions")}
    inner join {_IDENTITY_MAP} as identity_map on identity_map.record_id = identifiers.record_id
),

consents as ({{consents}})

select
    members.customer_id,
    case
        when customers.customer_id is null then '{Reason.NOT_A_CUSTOMER}'
        when suppressed.customer_id is not null then '{Reason.SUPPRESSED}'
        when consents.denied = 1 then '{Reason.CONSENT_DENIED}'
        when $must_consent and coalesce(consents.granted, 0) = 0 then '{Reason.NO_CONSENT}'
    end as reason
from members
left join {_CUSTOMERS} as customers on customers.customer_id = members.customer_id
left join suppressed on suppressed.customer_id = members.customer_id
left join consents on consents.customer_id = members.customer_id
"""
