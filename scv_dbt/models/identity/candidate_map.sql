with
records as (
    select * from {{ ref("source_records") }}
),

components as (
    select * from {{ ref("components") }}
),

registry as (
    select * from {{ ref("record_registry") }}
),

aliases as (
    select * from {{ ref("record_aliases") }}
),

takeovers as (
    select
        successors.record_id,
        successors.birth_seq,
        predecessors.record_id as old_record_id,
        predecessors.birth_seq as old_birth_seq
    from aliases
    inner join registry as predecessors on aliases.old_record_id = predecessors.record_id
    inner join registry as successors on aliases.new_record_id = successors.record_id
    where predecessors.birth_seq < successors.birth_seq
    qualify row_number() over (partition by successors.record_id order by predecessors.birth_seq) = 1
),

-- The two change places, so that every name stays that of one record.
places as (
    select
        record_id,
        old_record_id as place_of,
        old_birth_seq as birth_seq
    from takeovers
    union all
    select
        old_record_id as record_id,
        record_id as place_of,
        birth_seq
    from takeovers
),

born as (
    select
        registry.record_id,
        coalesce(places.birth_seq, registry.birth_seq) as birth_seq,
        {{ customer_id_of("coalesce(places.place_of, registry.record_id)") }} as own_customer_id
    from registry
    left join places on registry.record_id = places.record_id
),

-- A device is older than the account that signs in on it, but devices change hands: they name nobody.
members as (
    select
        records.record_id,
        records.source,
        records.source_id,
        records.is_anonymous,
        born.own_customer_id,
        first_value(born.own_customer_id)
            over (partition by components.component_id order by records.is_anonymous, born.birth_seq)
            as oldest_customer_id,
        min(case when records.is_anonymous then 1 else 0 end) over (partition by components.component_id) = 1
            as is_visitor
    from records
    inner join components on records.record_id = components.record_id
    inner join born on records.record_id = born.record_id
),

named as (
    select
        record_id,
        source,
        source_id,
        case when not is_visitor then oldest_customer_id end as customer_id,
        own_customer_id,
        is_anonymous
    from members
)

select * from named
