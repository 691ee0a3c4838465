{%- set unique_traits = guarded_traits(identity_rules()) | reject("in", ["given_name", "family_name"]) | list -%}

with
candidates as (
    select * from {{ ref("candidate_map") }}
),

-- A model without likely pairs is switched off, and says nothing.
model as (
    select coalesce(max(unreliable), '') as unreliable
    from ({{ newest_model() }}) as newest
    where exists (select 1 from {{ source("identity", "scored_pairs") }})
),

-- What records of one person often differ in contradicts nobody.
traits as (
    select record_traits.*
    from {{ ref("record_traits") }} as record_traits
    cross join model
    where
        record_traits.trait in {{ texts(unique_traits) }}
        and strpos(', ' || model.unreliable || ',', ', ' || record_traits.trait || ',') = 0
),

published as (
    {{ newest_assignments(published_assignments()) }}
),

records as (
    {{ records_before_and_after("candidates", "published") }}
),

-- What was published, and what would change, as two generations of assignments.
generations as (
    select
        record_id,
        customer_id,
        own_customer_id,
        0 as generation,
        cast(null as string) as cause,
        cast(null as timestamp) as assigned_at
    from published
    union all
    select
        record_id,
        customer_id,
        own_customer_id,
        1 as generation,
        cast(null as string) as cause,
        cast(null as timestamp) as assigned_at
    from records
    where {{ is_changed() }}
),

events as (
    {{ customer_events("generations") }}
),

changes as (
    select
        count(case when event = 'merged_into' then 1 end) as merged,
        count(case when event = 'split_from' then 1 end) as split,
        count(case when event in ('reassigned', 'retired') then 1 end) as lost
    from events
    where generation = 1
),

published_customers as (
    select count(distinct customer_id) as customers from published
),

customers as (
    select
        customer_id,
        count(case when not is_anonymous then 1 end) as records
    from candidates
    where customer_id is not null
    group by customer_id
),

sizes as (
    select
        count(*) as customers,
        coalesce(max(records), 0) as largest
    from customers
),

traits_of_customers as (
    select distinct
        candidates.customer_id,
        traits.trait,
        traits.trait_value
    from traits
    inner join candidates on traits.record_id = candidates.record_id
    where candidates.customer_id is not null
),

conflicts as (
    select count(distinct one.customer_id) as conflicting
    from traits_of_customers as one
    inner join traits_of_customers as other
        on
            one.customer_id = other.customer_id
            and one.trait = other.trait
            and one.trait_value < other.trait_value
    where not (one.trait = 'birth_date' and {{ birth_dates_agree("one.trait_value", "other.trait_value") }})
),

figures as (
    {% for figure in ["merged", "split", "lost"] -%}
    select
        '{{ figure }}' as figure,
        changes.{{ figure }} as found,
        {{ allowed_by_gate(figure, "published_customers.customers") }} as allowed
    from changes
    cross join published_customers
    union all
    {% endfor -%}
    select
        'conflicting' as figure,
        conflicts.conflicting as found,
        {{ allowed_by_gate("conflicting", "sizes.customers") }} as allowed
    from conflicts
    cross join sizes
    union all
    select
        'largest' as figure,
        largest as found,
        {{ identity_gate("largest_customer") }} as allowed
    from sizes
)

select * from figures
