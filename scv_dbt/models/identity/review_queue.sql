with
edges as (
    select * from {{ ref("edges") }}
),

components as (
    select * from {{ ref("components") }}
),

identity_map as (
    select * from {{ ref("identity_map") }}
),

overrides as (
    select * from {{ ref("overrides") }}
),

record_traits as (
    select * from {{ ref("record_traits") }}
    where trait in ('given_name', 'birth_date')
),

transactions as (
    select * from {{ ref("int_transactions") }}
    where is_counted
),

-- Links that were refused, and would join what nothing else joined.
refused as (
    select
        edges.record_a,
        edges.record_b,
        edges.rule,
        edges.key_hash,
        edges.level,
        edges.reason,
        least(one.component_id, other.component_id) as component_a,
        greatest(one.component_id, other.component_id) as component_b
    from edges
    inner join components as one on edges.record_a = one.record_id
    inner join components as other on edges.record_b = other.record_id
    where
        {{ dbt.split_part("edges.reason", "':'", 1) }}
        in ('conflict', 'ambiguous', 'hub', 'shared', 'chain', 'unlike', 'crowded')
        -- That families are alike is no doubt.
        and not (edges.rule = 'model' and edges.reason like 'conflict:%')
        and one.component_id != other.component_id
),

kept_apart as (
    select distinct
        least(one.component_id, other.component_id) as component_a,
        greatest(one.component_id, other.component_id) as component_b
    from overrides
    inner join components as one on overrides.record_a = one.record_id
    inner join components as other on overrides.record_b = other.record_id
    where overrides.decision = 'unlink'
),

strongest as (
    select
        refused.record_a,
        refused.record_b,
        refused.reason,
        refused.component_a,
        refused.component_b
    from refused
    left join kept_apart
        on
            refused.component_a = kept_apart.component_a
            and refused.component_b = kept_apart.component_b
    where kept_apart.component_a is null
    qualify
        row_number() over (
            partition by refused.component_a, refused.component_b
            order by refused.level, refused.rule, refused.record_a, refused.record_b, refused.key_hash
        ) = 1
),

-- Customers whose records contradict each other: rules without a guard joined them, or a steward.
sizes as (
    select
        component_id,
        count(*) as record_count
    from components
    group by component_id
    having count(*) between 2 and {{ var("identity_size_cap") }}
),

trait_values as (
    select
        components.component_id,
        record_traits.trait,
        record_traits.trait_value,
        min(record_traits.record_id) as record_id
    from record_traits
    inner join components on record_traits.record_id = components.record_id
    inner join sizes on components.component_id = sizes.component_id
    group by components.component_id, record_traits.trait, record_traits.trait_value
),

differing as (
    select
        one.component_id,
        one.trait,
        one.trait_value as value_a,
        other.trait_value as value_b,
        least(one.record_id, other.record_id) as record_a,
        greatest(one.record_id, other.record_id) as record_b
    from trait_values as one
    inner join trait_values as other
        on
            one.component_id = other.component_id
            and one.trait = other.trait
            and one.trait_value < other.trait_value
    -- A record that has two values does not tell who is meant.
    where one.record_id != other.record_id
),

differing_values as (
    select distinct
        trait,
        value_a,
        value_b
    from differing
),

judged as (
    {{ agreements("differing_values", ref("given_names")) }}
),

-- Values of which a steward said that they are one person's.
confirmed as (
    select distinct
        components.component_id,
        one.trait,
        least(one.trait_value, other.trait_value) as value_a,
        greatest(one.trait_value, other.trait_value) as value_b
    from overrides
    inner join components on overrides.record_a = components.record_id
    inner join record_traits as one on overrides.record_a = one.record_id
    inner join record_traits as other on overrides.record_b = other.record_id and one.trait = other.trait
    where overrides.decision = 'link'
),

contradicting as (
    select
        differing.component_id,
        differing.trait,
        differing.value_a,
        differing.value_b,
        differing.record_a,
        differing.record_b
    from differing
    inner join judged
        on
            differing.trait = judged.trait
            and differing.value_a = judged.value_a
            and differing.value_b = judged.value_b
    left join confirmed
        on
            differing.component_id = confirmed.component_id
            and differing.trait = confirmed.trait
            and differing.value_a = confirmed.value_a
            and differing.value_b = confirmed.value_b
    where not judged.agrees and confirmed.component_id is null
),

contradicting_traits as (
    select distinct
        component_id,
        trait
    from contradicting
),

contradictions as (
    select
        component_id,
        'contradiction: ' || string_agg(replace(trait, '_', ' '), ', ' order by trait) as reason
    from contradicting_traits
    group by component_id
),

clearest as (
    select *
    from contradicting
    where true
    qualify row_number() over (partition by component_id order by trait, record_a, record_b, value_a, value_b) = 1
),

doubts as (
    select
        'link' as doubt,
        record_a,
        record_b,
        reason,
        component_a,
        component_b
    from strongest
    union all
    select
        'customer' as doubt,
        clearest.record_a,
        clearest.record_b,
        contradictions.reason,
        clearest.component_id as component_a,
        clearest.component_id as component_b
    from clearest
    inner join contradictions on clearest.component_id = contradictions.component_id
),

rules as (
    select
        component_a,
        component_b,
        rule
    from refused
    union distinct
    select
        components.component_id as component_a,
        components.component_id as component_b,
        edges.rule
    from edges
    inner join components on edges.record_a = components.record_id
    inner join clearest on components.component_id = clearest.component_id
    where edges.status = 'kept'
),

evidence as (
    select
        component_a,
        component_b,
        string_agg(rule, ', ' order by rule) as rules
    from rules
    group by component_a, component_b
),

revenue as (
    select
        components.component_id,
        sum(transactions.net_amount_base) as net_revenue
    from transactions
    inner join components on transactions.record_id = components.record_id
    group by components.component_id
),

queue as (
    select
        doubts.doubt,
        doubts.record_a,
        doubts.record_b,
        map_a.customer_id as customer_a,
        map_b.customer_id as customer_b,
        doubts.reason,
        evidence.rules,
        {{ to_money(
            "coalesce(revenue_a.net_revenue, 0)"
            ~ " + case when doubts.doubt = 'link' then coalesce(revenue_b.net_revenue, 0) else 0 end"
        ) }} as net_revenue
    from doubts
    inner join evidence on doubts.component_a = evidence.component_a and doubts.component_b = evidence.component_b
    inner join identity_map as map_a on doubts.record_a = map_a.record_id
    inner join identity_map as map_b on doubts.record_b = map_b.record_id
    left join revenue as revenue_a on doubts.component_a = revenue_a.component_id
    left join revenue as revenue_b on doubts.component_b = revenue_b.component_id
    -- Two visitors are nobody whom one could know.
    where coalesce(map_a.customer_id, map_b.customer_id) is not null
)

select * from queue
