{#- The level of the linkage model: which of the pairs that it finds likely are joined (`identity_model`).

    Pairs alone chain strangers, so groups are made by average linkage: the two that are most alike on average are
    joined first, and none whose average speaks against it. A pair that the model does not find likely counts as
    `unlikely`. All that are each other's best join at once, which gives the groups that joining one pair after the
    other would give, in a few passes. Weights are whole thousandths of a bit, so that sums are exact, and of equal
    averages the hash of the pair decides.
    Two groups that conflict, that a steward keeps apart, or that are too large together stay apart, whatever their
    weight: a name and an address are those of a family, too, and a father may give his son his name. So who differs in
    a contact must agree in another one, a birth date or an id.
    Makes the table `edges`, and `labels` (record_id, component_id) of the nodes that have a likely pair. -#}
{% macro link_by_model(script, edges, labels, nodes, level, keeps_apart) -%}
    {%- set pairs = working_relation("model_pairs") -%}
    {%- set apart = working_relation("model_apart") -%}
    {%- set joins = working_relation("model_joins") -%}
    {%- set group_nodes = working_relation("model_nodes") -%}
    {%- set conflicts = working_relation("model_conflicts") -%}
    {%- set guards = guards_of_model() -%}
    {%- do create_working_table(script, pairs, likely_pairs(nodes)) -%}
    {%- do create_working_table(script, labels,
        "select node_a as record_id, node_a as component_id from " ~ pairs
        ~ " union distinct select node_b as record_id, node_b as component_id from " ~ pairs
    ) -%}
    {%- do find_conflicts(script, conflicts, "select node_a, node_b from " ~ pairs, nodes, guards.firm, keeps_apart,
        guards.contacts, guards.vouchers) -%}
    {%- do create_working_table(script, apart,
        "select node_a, node_b, reason from " ~ conflicts ~ " union distinct " ~ crowded_pairs(pairs, "node_a", "node_b", nodes)
    ) -%}
    {%- set progress = namespace(joining=true) -%}
    {%- for _ in range(var("identity_max_passes")) if progress.joining -%}
        {%- do create_working_table(script, joins, best_joins(pairs, labels, apart)) -%}
        {%- set progress.joining = row_count(script, joins) > 0 -%}
        {%- if progress.joining -%}
            {%- if not loop.first -%}
                {#- Groups know more of a person than each of their nodes. -#}
                {%- do create_working_table(script, group_nodes, relabelled_nodes(nodes, labels)) -%}
                {%- do find_conflicts(script,
                    conflicts, "select group_a as node_a, group_b as node_b from " ~ joins, group_nodes, guards.firm, keeps_apart,
                    guards.contacts, guards.vouchers) -%}
                {%- do create_working_table(script, apart,
                    "select node_a, node_b, reason from " ~ apart
                    ~ " union distinct select node_a, node_b, reason from " ~ conflicts
                    ~ " union distinct " ~ crowded_pairs(joins, "group_a", "group_b", group_nodes)
                ) -%}
            {%- endif -%}
            {%- do create_working_table(script, labels, joined_labels(labels, joins, apart)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if progress.joining -%}
        {%- do exceptions.raise_compiler_error(
            model.name ~ ": likely pairs still join after " ~ var("identity_max_passes") ~ " passes"
        ) -%}
    {%- endif -%}
    {%- do create_working_table(script, edges, edges_of_model(nodes, labels, apart, level)) -%}
    {%- do drop_working_tables(script, [pairs, apart, joins, group_nodes, conflicts]) -%}
{%- endmacro %}


{#- The pairs, both ways, that together have more values of an identifier type than one person may have. -#}
{% macro crowded_pairs(pairs, a, b, nodes) -%}
    select
        ends.node_a,
        ends.node_b,
        'crowded: would have too many identifiers' as reason
    from (
        select {{ a }} as node_a, {{ b }} as node_b, {{ a }} as node from {{ pairs }}
        union all
        select {{ a }} as node_a, {{ b }} as node_b, {{ b }} as node from {{ pairs }}
        union all
        select {{ b }} as node_a, {{ a }} as node_b, {{ a }} as node from {{ pairs }}
        union all
        select {{ b }} as node_a, {{ a }} as node_b, {{ b }} as node from {{ pairs }}
    ) as ends
    inner join {{ nodes }} as nodes on ends.node = nodes.node
    inner join {{ ref("identifiers") }} as identifiers on nodes.record_id = identifiers.record_id
    where identifiers.blocked_as is null
    group by ends.node_a, ends.node_b, identifiers.identifier_type
    having {{ more_than_one_person_has("identifiers.identifier_type", "identifiers.identifier_value") }}
{%- endmacro %}


{#- What tells two people apart on the level of the model. Firm is its guard, without what records of one person often
    differ in; contacts are what one person may have several of, vouchers what speaks for one person nevertheless. -#}
{% macro guards_of_model() -%}
    {%- set newest = run_query("select unreliable from (" ~ newest_model() ~ ") as newest") -%}
    {%- set unreliable = (newest.columns[0].values()[0] or "").split(", ") if newest | length else [] -%}
    {%- set given = identity_model() -%}
    {{ return({
        "firm": given.guard | reject("in", unreliable) | list,
        "contacts": given.contacts,
        "vouchers": given.guard | reject("in", ["given_name", "family_name"]) | list,
    }) }}
{%- endmacro %}


{% macro newest_model() -%}
    select * from {{ source("identity", "match_models") }} order by trained_at desc, model_version limit 1
{%- endmacro %}


{#- The pairs of nodes of which the model finds two records likely one person. -#}
{% macro likely_pairs(nodes) -%}
    {%- set most = var("identity_model").most -%}
    select
        least(one.node, other.node) as node_a,
        greatest(one.node, other.node) as node_b,
        max(cast(round(
            1000 * case when scored.match_weight < {{ most }} then scored.match_weight else {{ most }} end
        ) as {{ dbt.type_bigint() }})) as weight
    from {{ source("identity", "scored_pairs") }} as scored
    inner join {{ nodes }} as one on scored.record_a = one.record_id
    inner join {{ nodes }} as other on scored.record_b = other.record_id
    where one.node != other.node
    group by least(one.node, other.node), greatest(one.node, other.node)
{%- endmacro %}


{#- The pairs of groups (group_a, group_b) that are each other's best, and may join. -#}
{% macro best_joins(pairs, labels, apart) -%}
    with linked as (
        select
            least(one.component_id, other.component_id) as group_a,
            greatest(one.component_id, other.component_id) as group_b,
            sum(pairs.weight) as weight,
            count(*) as pair_count
        from {{ pairs }} as pairs
        inner join {{ labels }} as one on pairs.node_a = one.record_id
        inner join {{ labels }} as other on pairs.node_b = other.record_id
        where one.component_id != other.component_id
        group by least(one.component_id, other.component_id), greatest(one.component_id, other.component_id)
    ),

    sizes as (
        select
            component_id,
            count(*) as node_count
        from {{ labels }}
        group by component_id
    ),

    groups_apart as (
        {{ groups_apart(labels, apart) }}
    ),

    weighed as (
        select
            linked.group_a,
            linked.group_b,
            one.node_count * other.node_count as all_pairs,
            linked.weight
            + {{ 1000 * var("identity_model").unlikely }} * (one.node_count * other.node_count - linked.pair_count) as weight
        from linked
        inner join sizes as one on linked.group_a = one.component_id
        inner join sizes as other on linked.group_b = other.component_id
        left join groups_apart on linked.group_a = groups_apart.group_a and linked.group_b = groups_apart.group_b
        where groups_apart.group_a is null and one.node_count + other.node_count <= {{ var("identity_size_cap") }}
    ),

    alike as (
        select
            group_a,
            group_b,
            {{ quotient("weight", "all_pairs") }} as mean_weight,
            {{ sha256_hex("group_a || ':' || group_b") }} as pair_hash
        from weighed
        where weight > 0
    ),

    ends as (
        select group_a as own_group, group_a, group_b, mean_weight, pair_hash from alike
        union all
        select group_b as own_group, group_a, group_b, mean_weight, pair_hash from alike
    ),

    best as (
        select group_a, group_b
        from ends
        where true
        qualify row_number() over (partition by own_group order by mean_weight desc, pair_hash) = 1
    )

    select group_a, group_b
    from best
    group by group_a, group_b
    having count(*) = 2
{%- endmacro %}


{#- The pairs of groups, both ways, that stay apart, with the reason. -#}
{% macro groups_apart(labels, apart) -%}
    select
        one.component_id as group_a,
        other.component_id as group_b,
        min(apart.reason) as reason
    from {{ apart }} as apart
    inner join {{ labels }} as one on apart.node_a = one.record_id
    inner join {{ labels }} as other on apart.node_b = other.record_id
    group by one.component_id, other.component_id
{%- endmacro %}


{#- The labels after the joins, but for those that turned out to conflict. -#}
{% macro joined_labels(labels, joins, apart) -%}
    select
        labels.record_id,
        case when groups_apart.group_a is null then coalesce(joins.group_a, labels.component_id) else labels.component_id end
            as component_id
    from {{ labels }} as labels
    left join {{ joins }} as joins on labels.component_id = joins.group_b
    left join ({{ groups_apart(labels, apart) }}) as groups_apart
        on joins.group_a = groups_apart.group_a and joins.group_b = groups_apart.group_b
{%- endmacro %}


{% macro edges_of_model(nodes, labels, apart, level) -%}
    select
        scored.record_a,
        scored.record_b,
        'model' as rule,
        {{ sha256_hex("'model:' || scored.record_a || ':' || scored.record_b") }} as key_hash,
        {{ level }} as level,
        case when scored.probability >= {{ var("identity_model").strong }} then 'strong' else 'weak' end as strength,
        scored.probability,
        'model' as origin,
        case when group_a.component_id = group_b.component_id then 'kept' else 'refused' end as status,
        case
            when group_a.component_id != group_b.component_id
                then coalesce(groups_apart.reason, 'unlike: their records are too unlike on average, or too many')
        end as reason
    from {{ source("identity", "scored_pairs") }} as scored
    inner join {{ nodes }} as one on scored.record_a = one.record_id
    inner join {{ nodes }} as other on scored.record_b = other.record_id
    inner join {{ labels }} as group_a on one.node = group_a.record_id
    inner join {{ labels }} as group_b on other.node = group_b.record_id
    left join ({{ groups_apart(labels, apart) }}) as groups_apart
        on group_a.component_id = groups_apart.group_a and group_b.component_id = groups_apart.group_b
    where one.node != other.node
{%- endmacro %}
