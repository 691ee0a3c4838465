"""Support: people who asked and agents, tickets, comments and ratings, as its incremental exports return them."""

from scv_platform.simulation import texts
from scv_platform.simulation.rates import Rates
from scv_platform.simulation.systems.export import Export

AGENTS = ("Mara Lindt", "Tom Becker", "Ada Moreau", "Jon Hale", "Eva Roth", "Paul Stone")


def tables() -> tuple[str, ...]:
    """Tickets of the day."""
    return (
        f"""
        create table asked_tickets as
        select
            tickets.*,
            7000 + 3 * ticket_no as ticket_id,
            named.source_id as requester_id,
            case when in_own_language then {_language("people.country")} else 'en' end as language,
            greatest(asked_at, coalesce(seen(answered_at), asked_at), coalesce(seen(solved_at), asked_at)) as updated_at
        from tickets
        join people using (person_id)
        join person_records as person on person.person_id = tickets.person_id and person.kind = 'asker'
        join named on named.record_no = used(first_no, second_no, second_at, asked_at)
        where asked_at < horizon()
        order by ticket_no
        """,
    )


def _language(country: str) -> str:
    return f"case {country} when 'DE' then 'de' when 'FR' then 'fr' else 'en' end"


def exports(rates: Rates) -> tuple[Export, ...]:
    """The files of support."""
    del rates
    return (
        Export("zendesk", "users", _USERS, broken=_BROKEN_USERS),
        Export("zendesk", "tickets", _TICKETS, broken=_BROKEN_TICKETS),
        Export("zendesk", "ticket_comments", _COMMENTS),
        Export("zendesk", "satisfaction_ratings", _RATINGS),
    )


_AGENT_ID = "cast(360000000000 + 17 * agent as varchar)"

_USERS = f"""
    with staff as (
        select position as agent, name from (select unnest([{", ".join(f"'{name}'" for name in AGENTS)}]) as name,
            unnest(range({len(AGENTS)})) as position)
    ),
    everyone as (
        select
            cast(source_id as bigint) as id,
            nullif(trim(concat_ws(' ', given_name, family_name)), '') as name,
            email,
            phone,
            'end-user' as role,
            user_ref as external_id,
            case country when 'DE' then 'de' when 'FR' then 'fr' when 'GB' then 'en-GB' else 'en-US' end as locale,
            created_at as made_at,
            updated_at as changed_at
        from faces
        where kind = 'asker'
        union all
        select
            360000000000 + 17 * agent, name, lower(replace(name, ' ', '.')) || '@company.example', null, 'agent', null,
            'en-GB', (select founded from company) - interval 2 day, (select founded from company) - interval 2 day
        from staff
    )
    select
        id,
        name,
        email,
        phone,
        role,
        external_id,
        cast(null as bigint) as organization_id,
        locale,
        cast([] as varchar[]) as tags,
        '{{}}'::json as user_fields,
        true as active,
        false as suspended,
        email is not null as verified,
        iso_time(made_at) as created_at,
        iso_time(changed_at) as updated_at
    from everyone
    where is_new(changed_at)
    order by made_at, id
"""

_BROKEN_USERS = ('{"id": 389999999991, "name": "Halb, "role": "end-user"',)
"""A quote too many, and half a line."""

_TICKETS = f"""
    select
        ticket_id as id,
        texts.subject,
        texts.body as description,
        case when happened(solved_at) then 'solved' when happened(answered_at) then 'pending' else 'new' end as status,
        case mood when 'angry' then 'high' else 'normal' end as priority,
        case asked_tickets.topic when 0 then 'problem' else 'question' end as type,
        {{'channel': channel}} as via,
        cast(requester_id as bigint) as requester_id,
        cast(requester_id as bigint) as submitter_id,
        cast({_AGENT_ID} as bigint) as assignee_id,
        cast(null as bigint) as organization_id,
        [list_extract(['delivery', 'product', 'payment', 'account'], 1 + asked_tickets.topic)] as tags,
        {{'solved_at': case when happened(solved_at) then iso_time(solved_at) end}} as metric_set,
        {{
            'score': case when not is_rated or not happened(solved_at) then 'unoffered' when is_praised then 'good'
                else 'bad' end
        }} as satisfaction_rating,
        unix(updated_at) as generated_timestamp,
        iso_time(asked_at) as created_at,
        iso_time(updated_at) as updated_at
    from asked_tickets
    join texts using (mood, topic, variant, language)
    where is_new(asked_tickets.updated_at)
    order by ticket_no
"""

_BROKEN_TICKETS = ('{"id": 9999991, "subject": "Hello", "created_at": "2026-13-45T99:00:00Z", "updated_at": "never"}',)
"""Moments that do not exist."""

_COMMENTS = f"""
    with written as (
        select ticket_no, ticket_id, 0 as place, requester_id as author_id, texts.body, channel, asked_at as written_at
        from asked_tickets
        join texts using (mood, topic, variant, language)
        union all
        select ticket_no, ticket_id, 1, {_AGENT_ID},
            case language {" ".join(f"when '{key}' then '{text}'" for key, text in texts.ANSWERS.items())} end,
            channel, answered_at
        from asked_tickets
    )
    select
        cast(8800000 + 2 * ticket_no + place as bigint) as id,
        ticket_id,
        cast(author_id as bigint) as author_id,
        body,
        true as public,
        {{'channel': channel}} as via,
        iso_time(written_at) as created_at
    from written
    where is_new(written_at)
    order by written_at, id
"""

_RATINGS = f"""
    select
        6600000 + ticket_no as id,
        ticket_id,
        cast(requester_id as bigint) as requester_id,
        cast({_AGENT_ID} as bigint) as assignee_id,
        case when is_praised then 'good' else 'bad' end as score,
        cast(null as varchar) as comment,
        cast(null as varchar) as reason,
        iso_time(solved_at) as created_at,
        iso_time(solved_at) as updated_at
    from asked_tickets
    where is_rated and is_new(solved_at)
    order by solved_at, ticket_no
"""
