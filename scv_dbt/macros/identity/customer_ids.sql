{#- What was published of each record last: (record_id, customer_id, own_customer_id). No rows where nothing was, which
    is where `assignments` is none. -#}
{% macro newest_assignments(assignments) -%}
    {%- if assignments -%}
    select
        record_id,
        customer_id,
        own_customer_id
    from {{ assignments }}
    where true
    qualify row_number() over (partition by record_id order by generation desc) = 1
    {%- else -%}
    select
        cast(null as string) as record_id,
        cast(null as string) as customer_id,
        cast(null as string) as own_customer_id
    limit 0
    {%- endif -%}
{%- endmacro %}


{#- Every record of the candidate map or of what was published, as it was and as it is to be. -#}
{% macro records_before_and_after(candidates, published) -%}
    select
        coalesce(candidates.record_id, published.record_id) as record_id,
        candidates.record_id is null as is_gone,
        published.record_id is null as is_new,
        published.customer_id as former_customer_id,
        published.own_customer_id as former_own_customer_id,
        candidates.customer_id,
        coalesce(candidates.own_customer_id, published.own_customer_id) as own_customer_id
    from {{ candidates }} as candidates
    full outer join {{ published }} as published on candidates.record_id = published.record_id
{%- endmacro %}

{#- Whether such a record is to be assigned anew. -#}
{% macro is_changed() -%}
    (
        customer_id is distinct from former_customer_id
        or (customer_id is not null and own_customer_id is distinct from former_own_customer_id)
    )
{%- endmacro %}


{#- What happened to customers: one row per customer and generation of `assignments` in which something did.

    A customer lives while the record that bears its name is in it, so its life is told by that record alone: it begins
    when the record becomes its own customer's, and ends when the record goes to another one or away. Where a record
    takes over the name of another, a life that ends with one and begins with the other in one generation goes on. A
    customer whose other records mostly went, while its own joined those of another, lives on as other people. -#}
{% macro customer_events(assignments) -%}
    with
    steps as (
        select
            *,
            lag(customer_id) over (partition by record_id order by generation) as former_customer_id,
            lag(own_customer_id) over (partition by record_id order by generation) as former_own_customer_id,
            lead(generation) over (partition by record_id order by generation) as next_generation
        from {{ assignments }}
    ),

    begun as (
        select
            customer_id,
            generation,
            case when own_customer_id = former_own_customer_id then former_customer_id end as other_customer_id,
            cause,
            assigned_at
        from steps
        where
            customer_id = own_customer_id
            and not coalesce(
                customer_id = former_customer_id and former_customer_id = former_own_customer_id, false
            )
    ),

    ended as (
        select
            former_customer_id as customer_id,
            generation,
            customer_id as other_customer_id,
            cause,
            assigned_at
        from steps
        where
            former_customer_id = former_own_customer_id
            and not coalesce(former_customer_id = customer_id and customer_id = own_customer_id, false)
    ),

    turning_points as (
        select
            coalesce(begun.customer_id, ended.customer_id) as customer_id,
            coalesce(begun.generation, ended.generation) as generation,
            case
                when ended.customer_id is null
                    then case when begun.other_customer_id is null then 'created' else 'split_from' end
                when begun.customer_id is null
                    then case when ended.other_customer_id is null then 'retired' else 'merged_into' end
            end as event,
            coalesce(begun.other_customer_id, ended.other_customer_id) as other_customer_id,
            coalesce(begun.cause, ended.cause) as cause,
            coalesce(begun.assigned_at, ended.assigned_at) as assigned_at
        from begun
        full outer join ended on begun.customer_id = ended.customer_id and begun.generation = ended.generation
    ),

    departures as (
        select
            former_customer_id as customer_id,
            generation,
            count(*) as departed,
            count(customer_id) as departed_to_others
        from steps
        where former_customer_id is not null and customer_id is distinct from former_customer_id
        group by former_customer_id, generation
    ),

    arrivals as (
        select
            customer_id,
            generation,
            former_customer_id,
            count(*) as arrived,
            min(cause) as cause,
            min(assigned_at) as assigned_at
        from steps
        where customer_id is distinct from former_customer_id and former_customer_id is not null
        group by customer_id, generation, former_customer_id
    ),

    largest_arrivals as (
        select *
        from arrivals
        where customer_id is not null
        qualify
            row_number() over (
                partition by customer_id, generation order by arrived desc, former_customer_id
            ) = 1
    ),

    exchanges as (
        select
            arrivals.customer_id,
            arrivals.generation,
            arrivals.former_customer_id as other_customer_id,
            arrivals.cause,
            arrivals.assigned_at,
            departures.departed,
            departures.departed_to_others,
            count(*) as records_before
        from largest_arrivals as arrivals
        inner join departures
            on arrivals.customer_id = departures.customer_id and arrivals.generation = departures.generation
        inner join steps
            on
                arrivals.customer_id = steps.customer_id
                and arrivals.generation > steps.generation
                and arrivals.generation <= coalesce(steps.next_generation, arrivals.generation)
        left join turning_points
            on
                arrivals.customer_id = turning_points.customer_id
                and arrivals.generation = turning_points.generation
        where turning_points.customer_id is null
        group by
            arrivals.customer_id,
            arrivals.generation,
            arrivals.former_customer_id,
            arrivals.cause,
            arrivals.assigned_at,
            departures.departed,
            departures.departed_to_others
    )

    select
        customer_id,
        event,
        other_customer_id,
        cause,
        generation,
        assigned_at
    from turning_points
    where event is not null
    union all
    select
        customer_id,
        'reassigned' as event,
        other_customer_id,
        cause,
        generation,
        assigned_at
    from exchanges
    -- More of its other records went to other customers than stayed.
    where departed_to_others > records_before - departed - 1
{%- endmacro %}


{#- A limit of `identity_gate`. -#}
{% macro identity_gate(limit) -%}
    {%- set value = var("identity_gate").get(limit) -%}
    {%- if value is not number or value < 0 -%}
        {%- do exceptions.raise_compiler_error("identity_gate: " ~ limit ~ " is a number from 0") -%}
    {%- endif -%}
    {{ return(value) }}
{%- endmacro %}

{#- How many of so many customers a run may change. -#}
{% macro allowed_by_gate(figure, customers) -%}
    greatest(
        {{ identity_gate("always_allowed") }},
        cast(floor({{ quotient(customers ~ " * " ~ identity_gate(figure ~ "_percent"), "100") }}) as bigint)
    )
{%- endmacro %}


{#- `assignments` as it was left by the last run that published; none where no run did. It is read by its name: the gate
    stands before it, so that a `ref` would be a circle. -#}
{% macro published_assignments() -%}
    {{ return(load_relation(ref("candidate_map").incorporate(path={"identifier": "assignments"}))) }}
{%- endmacro %}
