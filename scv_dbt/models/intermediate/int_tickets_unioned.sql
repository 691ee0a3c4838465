with
files as (
    select * from {{ ref("stg_files__tickets") }}
),

-- A ticket that the help desk deleted is gone.
zendesk_tickets as (
    select * from {{ ref("stg_zendesk__tickets") }}
    where coalesce(status, '') != 'deleted'
),

users as (
    select * from {{ ref("stg_zendesk__users") }}
),

-- A rating is first offered, then given.
ratings as (
    select
        ticket_id,
        score
    from {{ ref("stg_zendesk__satisfaction_ratings") }}
    where score like 'good%' or score like 'bad%'
    qualify row_number() over (partition by ticket_id order by updated_at desc, rating_id desc) = 1
),

requested as (
    select
        tickets.*,
        -- Agents write tickets too; they are no customers.
        case when coalesce(users.role, 'end-user') = 'end-user' then tickets.requester_id end as person_source_id,
        coalesce(
            ratings.score,
            case
                when tickets.satisfaction like 'good%' or tickets.satisfaction like 'bad%' then tickets.satisfaction
            end
        ) as score
    from zendesk_tickets as tickets
    left join users on tickets.requester_id = users.user_id
    left join ratings on tickets.ticket_id = ratings.ticket_id
),

unioned as (
    select * from files
    union all
    select
        {{ as_entity("tickets", {
            "source": "'zendesk'", "source_id": "ticket_id", "body": "description",
            "satisfaction": "case when score like 'good%' then 'good' when score like 'bad%' then 'bad' end",
        }, carried=[
            "person_source_id", "subject", "status", "priority", "channel", "created_at", "solved_at", "first_load_id",
        ]) }}
    from requested
)

select * from unioned
