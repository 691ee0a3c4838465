"""The CRM: accounts, contacts, leads, opportunities, campaigns and their members, as its objects."""

from scv_platform.simulation import pools
from scv_platform.simulation.rates import Rates
from scv_platform.simulation.systems.export import Export


def _of(words: tuple[str, ...], position: str) -> str:
    return f"list_extract([{', '.join(repr(word) for word in words)}], 1 + ({position}))"


def exports(rates: Rates) -> tuple[Export, ...]:
    """The files of the CRM."""
    del rates
    return (
        Export("salesforce", "account", _accounts()),
        Export("salesforce", "contact", _contacts(), broken=_BROKEN_CONTACTS),
        Export("salesforce", "lead", _LEADS, broken=_BROKEN_LEADS),
        Export("salesforce", "opportunity", _OPPORTUNITIES),
        Export("salesforce", "campaign", _CAMPAIGNS),
        Export("salesforce", "campaign_member", _MEMBERS),
    )


def _accounts() -> str:
    legal = " ".join(f"when '{country}' then '{form}'" for country, form in pools.LEGAL_FORMS.items())
    return f"""
        select
            crm_id('001', account_no) as "Id",
            company_name || ' ' || case employers.country {legal} end as "Name",
            'https://www.' || domain as "Website",
            {_of(pools.INDUSTRIES, "industry")} as "Industry",
            employees as "NumberOfEmployees",
            case when deals.first_won < horizon() then 'Customer' else 'Prospect' end as "Type",
            case when parent_no >= 0 then crm_id('001', parent_no) end as "ParentId",
            cast(null as varchar) as "Phone",
            street as "BillingStreet",
            city as "BillingCity",
            cast(null as varchar) as "BillingState",
            postcode as "BillingPostalCode",
            employers.country as "BillingCountry",
            false as "IsDeleted",
            cast(null as varchar) as "MasterRecordId",
            crm_time(created_at) as "CreatedDate",
            crm_time(greatest(created_at, coalesce(seen(deals.first_won), created_at))) as "SystemModstamp"
        from employers
        join places on places.country = employers.country and places.position = employers.place_no
        left join (
            select account_no, min(closed_at) filter (is_won) as first_won from deal_money group by account_no
        ) as deals using (account_no)
        where is_new(greatest(created_at, coalesce(seen(deals.first_won), created_at)))
        order by account_no
    """


def _contacts() -> str:
    return f"""
        select
            faces.source_id as "Id",
            case when faces.account_no is not null then crm_id('001', faces.account_no) end as "AccountId",
            faces.given_name as "FirstName",
            faces.family_name as "LastName",
            faces.email as "Email",
            case when faces.extra < 0.4 then faces.phone end as "Phone",
            case when faces.extra >= 0.4 then faces.phone end as "MobilePhone",
            faces.birth_date as "Birthdate",
            case when faces.account_no is not null then {_of(pools.TITLES, "faces.number % 6")} end as "Title",
            faces.street as "MailingStreet",
            faces.city as "MailingCity",
            cast(null as varchar) as "MailingState",
            faces.postcode as "MailingPostalCode",
            case when faces.extra < 0.3 then case faces.country when 'DE' then 'Germany' when 'FR' then 'France'
                when 'GB' then 'United Kingdom' else 'United States' end else faces.country end as "MailingCountry",
            {_of(("Web", "Referral", "Trade Show", "Phone"), "faces.number % 4")} as "LeadSource",
            faces.email_consent > 0.95 or coalesce(happened(faces.withdrawn_at), false) as "HasOptedOutOfEmail",
            faces.shop_ref as "Shop_Customer_Id__c",
            happened(faces.merged_at) as "IsDeleted",
            case when happened(faces.merged_at) then winner.source_id end as "MasterRecordId",
            crm_time(faces.created_at) as "CreatedDate",
            crm_time(faces.updated_at) as "SystemModstamp"
        from faces
        left join faces as winner on winner.person_id = faces.person_id and winner.kind = 'contact' and winner.copy = 0
        where faces.kind = 'contact' and is_new(faces.updated_at)
        order by faces.created_at, faces.source_id
    """


_BROKEN_CONTACTS = (
    '{"Id": "0039zBROKEN0000001", "LastName": "Gestern", "CreatedDate": "2026-01-05T10:00:00.000+0000", '
    '"SystemModstamp": "soon"}',
    '{"Id": "0039zBROKEN0000002", "LastName": "Halb", "Email": "halb@',
)
"""A moment in words; half a line."""

_LEADS = f"""
    select
        faces.source_id as "Id",
        faces.given_name as "FirstName",
        faces.family_name as "LastName",
        faces.email as "Email",
        faces.phone as "Phone",
        coalesce(faces.company_name, 'private') as "Company",
        cast(null as varchar) as "Title",
        faces.street as "Street",
        faces.city as "City",
        cast(null as varchar) as "State",
        faces.postcode as "PostalCode",
        faces.country as "Country",
        case when happened(faces.converted_at) then 'Converted'
            else {_of(("Open", "Working", "Qualified"), "faces.number % 3")} end as "Status",
        {_of(("Web", "Referral", "Trade Show", "Phone"), "faces.number % 4")} as "LeadSource",
        faces.email_consent > 0.95 or coalesce(happened(faces.withdrawn_at), false) as "HasOptedOutOfEmail",
        happened(faces.converted_at) as "IsConverted",
        case when happened(faces.converted_at) then cast(faces.converted_at as date) end as "ConvertedDate",
        case when happened(faces.converted_at) then contact.source_id end as "ConvertedContactId",
        case when happened(faces.converted_at) and faces.account_no is not null then crm_id('001', faces.account_no)
            end as "ConvertedAccountId",
        cast(null as varchar) as "ConvertedOpportunityId",
        false as "IsDeleted",
        cast(null as varchar) as "MasterRecordId",
        crm_time(faces.created_at) as "CreatedDate",
        crm_time(faces.updated_at) as "SystemModstamp"
    from faces
    left join faces as contact on contact.person_id = faces.person_id and contact.kind = 'contact' and contact.copy = 0
    where faces.kind = 'lead' and is_new(faces.updated_at)
    order by faces.created_at, faces.source_id
"""

_BROKEN_LEADS = (
    '{"LastName": "Ohnenummer", "CreatedDate": "2026-01-05T10:00:00.000+0000", '
    '"SystemModstamp": "2026-01-05T10:00:00.000+0000"}',
)
"""No id."""

_OPPORTUNITIES = """
    with told as (
        select
            deal_money.*,
            greatest(created_at, coalesce(seen(qualified_at), created_at), coalesce(seen(proposed_at), created_at),
                coalesce(seen(negotiated_at), created_at), coalesce(seen(closed_at), created_at)) as changed_at
        from deal_money
        where created_at < horizon()
    )
    select
        crm_id('006', deal_no) as "Id",
        crm_id('001', told.account_no) as "AccountId",
        contact.source_id as "ContactId",
        told.company_name || case when is_repeat then ', renewal' else ', first order' end as "Name",
        case
            when happened(closed_at) and is_won then 'Closed Won'
            when happened(closed_at) then 'Closed Lost'
            when happened(negotiated_at) then 'Negotiation/Review'
            when happened(proposed_at) then 'Proposal/Price Quote'
            when happened(qualified_at) then 'Qualification'
            else 'Prospecting'
        end as "StageName",
        units(amount_cents) as "Amount",
        currency as "CurrencyIsoCode",
        case
            when happened(closed_at) and is_won then 100
            when happened(closed_at) then 0
            when happened(negotiated_at) then 90
            when happened(proposed_at) then 75
            when happened(qualified_at) then 20
            else 10
        end as "Probability",
        cast(told.closed_at as date) as "CloseDate",
        happened(closed_at) as "IsClosed",
        happened(closed_at) and is_won as "IsWon",
        case when is_repeat then 'Existing Business' else 'New Business' end as "Type",
        'Web' as "LeadSource",
        cast(null as varchar) as "CampaignId",
        false as "IsDeleted",
        crm_time(told.created_at) as "CreatedDate",
        crm_time(changed_at) as "SystemModstamp"
    from told
    join faces as contact on contact.record_no = told.contact_no
    where is_new(changed_at)
    order by deal_no
"""

_CAMPAIGNS = """
    with told as (
        select
            *,
            cast(starts_on as timestamp) - interval 10 day as made_at,
            cast(starts_on as timestamp) as begun_at,
            cast(ends_on as timestamp) + interval 1 day as over_at
        from campaigns
    )
    select
        crm_id('701', campaign_no) as "Id",
        name as "Name",
        case when is_mail then 'Email' else 'Advertisement' end as "Type",
        case when happened(over_at) then 'Completed' when happened(begun_at) then 'In Progress' else 'Planned' end
            as "Status",
        starts_on as "StartDate",
        ends_on as "EndDate",
        units(budget_cents) as "BudgetedCost",
        case when happened(over_at) then units(cost_cents) end as "ActualCost",
        happened(begun_at) and not happened(over_at) as "IsActive",
        false as "IsDeleted",
        crm_time(made_at) as "CreatedDate",
        crm_time(greatest(made_at, coalesce(seen(begun_at), made_at), coalesce(seen(over_at), made_at)))
            as "SystemModstamp"
    from told
    where is_new(greatest(made_at, coalesce(seen(begun_at), made_at), coalesce(seen(over_at), made_at)))
    order by campaign_no
"""

_MEMBERS = """
    select
        crm_id('00v', membership_no) as "Id",
        crm_id('701', campaign_no) as "CampaignId",
        case when faces.kind = 'contact' then faces.source_id end as "ContactId",
        case when faces.kind = 'lead' then faces.source_id end as "LeadId",
        case when happened(responded_at) then 'Responded' else 'Sent' end as "Status",
        happened(responded_at) as "HasResponded",
        case when happened(responded_at) then cast(responded_at as date) end as "FirstRespondedDate",
        false as "IsDeleted",
        crm_time(sent_at) as "CreatedDate",
        crm_time(coalesce(seen(responded_at), sent_at)) as "SystemModstamp"
    from memberships
    join faces using (record_no)
    where sent_at < horizon() and is_new(coalesce(seen(responded_at), sent_at))
    order by membership_no
"""
