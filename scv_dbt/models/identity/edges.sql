with
identifiers as (
    select * from {{ ref("identifiers") }}
),

rules as (
    {% for rule in var("identity_rules") -%}
    select
        '{{ rule.rule }}' as rule,
        '{{ rule.identifier_type }}' as identifier_type,
        {{ rule.level }} as level,
        '{{ rule.strength }}' as strength
    {% if not loop.last -%}
    union all
    {% endif -%}
    {% endfor -%}
),

-- A star around the least record that has the value: n - 1 edges, where pairs would be n squared.
stars as (
    select
        identifiers.record_id,
        identifiers.key_hash,
        identifiers.blocked_because,
        rules.rule,
        rules.level,
        rules.strength,
        min(identifiers.record_id) over (partition by rules.rule, identifiers.key_hash) as least_record_id,
        count(*) over (partition by rules.rule, identifiers.key_hash) as record_count
    from identifiers
    inner join rules on identifiers.identifier_type = rules.identifier_type
),

judged as (
    select
        *,
        case
            when blocked_because is not null then 'blocked: ' || blocked_because
            when record_count > {{ var("identity_hub_cap") }}
                then 'hub: shared by ' || cast(record_count as string) || ' records'
        end as reason
    from stars
    where record_id != least_record_id
),

edges as (
    select
        least_record_id as record_a,
        record_id as record_b,
        rule,
        key_hash,
        level,
        strength,
        cast(null as {{ dbt.type_float() }}) as probability,
        'rule' as origin,
        case when reason is null then 'kept' else 'refused' end as status,
        reason
    from judged
)

select * from edges
