with
assignments as (
    select * from {{ ref("assignments") }}
),

registry as (
    select * from {{ ref("record_registry") }}
),

published as (
    {{ newest_assignments("assignments") }}
),

current_customers as (
    select distinct customer_id from published
    where customer_id is not null
),

stays as (
    select
        customer_id,
        own_customer_id,
        record_id,
        lead(generation) over (partition by record_id order by generation) as left_in
    from assignments
),

former_stays as (
    select stays.*
    from stays
    left join current_customers on stays.customer_id = current_customers.customer_id
    where stays.customer_id is not null and current_customers.customer_id is null
),

-- Where the record is now that named it; should that be nowhere, the oldest of those who were with it last.
redirected as (
    select
        former_stays.customer_id as old_customer_id,
        published.customer_id
    from former_stays
    inner join published on former_stays.record_id = published.record_id
    inner join registry on former_stays.record_id = registry.record_id
    where true
    qualify
        row_number() over (
            partition by former_stays.customer_id
            order by
                case when published.customer_id is null then 1 else 0 end,
                case when former_stays.customer_id = former_stays.own_customer_id then 0 else 1 end,
                former_stays.left_in desc,
                registry.birth_seq
        ) = 1
)

select * from redirected
