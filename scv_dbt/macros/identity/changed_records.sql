{#- What is resolved anew after a change, and what is kept.

    Whether two records are joined depends on nothing but the records of their scope: those that keys, likely pairs and
    links of stewards lead to, one from the other, whether they join them or are refused. A key that is blocked or that
    too many have joins nobody, whoever has it, so it leads nowhere: it is closed. Its refused links tell how many have
    it, so of a closed key the nodes of all who have it are kept.
    Active are the records that changed, those of their scopes, and those of the scopes that what they have now leads to.
    `edge_scopes` has the fingerprint of all that a record was resolved by. What is the same for all (rules, limits, given
    names) is part of each, so a change of it makes every record active.
    A run that was killed while it replaced tables leaves no `closed_keys`; then the next resolves everything. -#}
{% macro state_of_edges() -%}
    {{ return({
        "scopes": this.incorporate(path={"identifier": "edge_scopes"}, type="table"),
        "closed_keys": this.incorporate(path={"identifier": "closed_keys"}, type="table"),
    }) }}
{%- endmacro %}


{% macro is_kept(state) -%}
    {{ return(load_cached_relation(state.scopes) is not none and load_cached_relation(state.closed_keys) is not none) }}
{%- endmacro %}


{#- What has a part in every decision: settings, and the statements. The number is for what no statement shows: in which
    order and how often they run (`resolve_levels`, `break_chains`, `link_by_model`, `label_components`). It changes where
    those give other edges. -#}
{% macro settings_of_edges() -%}
    {{ return(local_md5(tojson([
        1, identity_rules(), identity_model(), guards_of_model(), max_values(), var("identity_size_cap"), statements_of_edges()
    ]))) }}
{%- endmacro %}


{#- The statements of the levels with names that are the same in every run. -#}
{% macro statements_of_edges() -%}
    {%- set rules = identity_rules() -%}
    {%- set statements = [
        links_of_stewards("records"),
        edges_of_stewards("links"),
        nodes_of_stewards("records", "labels"),
        members_of_keys("keys", "nodes", rules, "closed_nodes"),
        pairs_that_share_a_key("members"),
        ambiguous_members("members", "conflicts"),
        members_with_refusals("members", "refused"),
        groups_of_members("members", none),
        groups_of_members("members", "conflicts"),
        links_of_groups("groups"),
        chained_nodes("groups", "labels", "nodes", ["trait"]),
        pairs_of_a_chain("chained"),
        refused_members("groups", "chained", "conflicts", false),
        refused_members("groups", "chained", "conflicts", true),
        edges_of_groups("groups", "conflicts", rules),
        relabelled_nodes("nodes", "labels"),
        likely_pairs("nodes"),
        crowded_pairs("pairs", "node_a", "node_b", "nodes"),
        best_joins("pairs", "labels", "apart"),
        joined_labels("labels", "joins", "apart"),
        edges_of_model("nodes", "labels", "apart", 1),
    ] -%}
    {%- do find_conflicts(statements, "conflicts", "pairs", "nodes", ["trait"], false) -%}
    {%- do find_conflicts(statements, "conflicts", "pairs", "nodes", ["trait"], true, ["contact"], ["voucher"]) -%}
    {{ return(statements) }}
{%- endmacro %}


{#- The records that something may join to others, each with the fingerprint of all that decides about it. What
    a record has is there once, by the primary keys of the tables; twice, bit_xor would cancel it out. -#}
{% macro linkable_records(keys) -%}
    with given_names as (
        select bit_xor({{ text_hash("concat(name_group, ':', given_name)") }}) as names_hash from {{ ref("given_names") }}
    ),

    evidence as (
        select
            record_id,
            1 as links,
            {{ text_hash("concat('key:', rule, ':', key_hash, ':', coalesce(blocked_because, ''))") }} as evidence_hash
        from {{ keys }} as keys
        {% for own, other in [("a", "b"), ("b", "a")] -%}
        union all
        select
            record_{{ own }} as record_id,
            1 as links,
            {{ text_hash(
                "concat('pair:', record_" ~ other ~ ", ':', coalesce(cast(probability as string), ''), ':',"
                ~ " coalesce(cast(match_weight as string), ''))"
            ) }} as evidence_hash
        from {{ source("identity", "scored_pairs") }}
        union all
        select
            record_{{ own }} as record_id,
            1 as links,
            {{ text_hash("concat(decision, ':', record_" ~ other ~ ")") }} as evidence_hash
        from {{ ref("overrides") }}
        {% endfor -%}
        union all
        select
            record_id,
            0 as links,
            {{ text_hash("concat('trait:', trait, ':', trait_value)") }} as evidence_hash
        from {{ ref("record_traits") }}
        {% if max_values() -%}
        union all
        select
            record_id,
            0 as links,
            {{ text_hash("concat('identifier:', identifier_type, ':', identifier_value)") }} as evidence_hash
        from {{ ref("identifiers") }}
        where blocked_as is null and identifier_type in {{ texts(max_values() | list) }}
        {%- endif %}
    ),

    known as (
        select
            record_id,
            bit_xor(evidence_hash) as evidence_hash
        from evidence
        group by record_id
        having max(links) = 1
    )

    select
        known.record_id,
        records.is_anonymous,
        concat(
            cast(known.evidence_hash as string),
            case when records.is_anonymous then ' anonymous ' else ' ' end,
            '{{ settings_of_edges() }}',
            ' ',
            coalesce(cast(given_names.names_hash as string), '')
        ) as fingerprint
    from known
    inner join {{ ref("source_records") }} as records on known.record_id = records.record_id
    cross join given_names
{%- endmacro %}


{% macro find_active_records(script, active, linkable, keys, state) -%}
    {%- set touched = working_relation("touched") -%}
    {%- set touched_select -%}
        select coalesce(linkable.record_id, scopes.record_id) as record_id
        from {{ linkable }} as linkable
        full outer join {{ state.scopes }} as scopes on linkable.record_id = scopes.record_id
        where linkable.fingerprint is distinct from scopes.fingerprint
    {%- endset -%}
    {%- do create_working_table(script, touched, touched_select) -%}
    {%- set active_select -%}
        with open_keys as (
            select distinct
                keys.rule,
                keys.key_hash
            from {{ keys }} as keys
            inner join {{ touched }} as touched on keys.record_id = touched.record_id
            left join (select distinct rule, key_hash from {{ state.closed_keys }}) as closed_keys
                on keys.rule = closed_keys.rule and keys.key_hash = closed_keys.key_hash
            where closed_keys.rule is null
        ),

        reached as (
            select record_id from {{ touched }}
            union distinct
            select keys.record_id
            from {{ keys }} as keys
            inner join open_keys on keys.rule = open_keys.rule and keys.key_hash = open_keys.key_hash
            {% for own, other in [("a", "b"), ("b", "a")] -%}
            {% for links in [source("identity", "scored_pairs"), ref("overrides")] -%}
            union distinct
            select links.record_{{ other }} as record_id
            from {{ links }} as links
            inner join {{ touched }} as touched on links.record_{{ own }} = touched.record_id
            {% endfor -%}
            {% endfor %}
        )

        select record_id from {{ touched }}
        union distinct
        {{ records_of_scopes("reached", "record_id", state) }}
    {%- endset -%}
    {%- do create_working_table(script, active, active_select) -%}
    {%- do drop_working_tables(script, [touched]) -%}
{%- endmacro %}


{#- The records of the scopes in which the records of a relation were. -#}
{% macro records_of_scopes(relation, column, state) -%}
    select record_id from {{ state.scopes }}
    where scope_id in (
        select scopes.scope_id
        from {{ state.scopes }} as scopes
        inner join {{ relation }} as reached on scopes.record_id = reached.{{ column }}
    )
{%- endmacro %}


{#- Resolves the active records and replaces what was known of them. Where a closed key joins now, makes those active who
    have it, and returns false. -#}
{% macro resolve_active_records(script, target, active, linkable, match_keys, state, keeps_apart) -%}
    {%- set keys = working_relation("keys") -%}
    {%- set records = working_relation("records") -%}
    {%- set closed_keys = working_relation("closed_keys") -%}
    {%- set closed_nodes = working_relation("closed_nodes") -%}
    {%- set opened = working_relation("opened") -%}
    {%- do create_working_table(script, keys,
        "select keys.* from " ~ match_keys ~ " as keys inner join " ~ active ~ " as active on keys.record_id = active.record_id"
    ) -%}
    {%- do create_working_table(script, records,
        "select linkable.* from " ~ linkable ~ " as linkable inner join " ~ active
        ~ " as active on linkable.record_id = active.record_id"
    ) -%}
    {%- set keys_select -%}
        select known.rule, known.key_hash
        from {{ state.closed_keys }} as known
        inner join {{ active }} as active on known.node = active.record_id
        union distinct
        select known.rule, known.key_hash
        from {{ state.closed_keys }} as known
        inner join {{ keys }} as keys on known.rule = keys.rule and known.key_hash = keys.key_hash
    {%- endset -%}
    {%- do create_working_table(script, closed_keys, keys_select) -%}
    {%- set nodes_select -%}
        select known.*
        from {{ state.closed_keys }} as known
        inner join {{ closed_keys }} as closed_keys on known.rule = closed_keys.rule and known.key_hash = closed_keys.key_hash
        left join {{ active }} as active on known.node = active.record_id
        where active.record_id is null
    {%- endset -%}
    {%- do create_working_table(script, closed_nodes, nodes_select) -%}
    {%- set resolved = resolve_levels(script, keys, records, closed_nodes, keeps_apart) -%}
    {%- do create_working_table(script, opened,
        "select node from (" ~ all_rows(resolved.closed) ~ ") as closed where reason is null"
    ) -%}
    {%- set is_done = row_count(script, opened) == 0 -%}
    {%- if is_done -%}
        {%- do replace_edges(script, target, state, resolved, records, active, closed_keys) -%}
    {%- else -%}
        {%- do create_working_table(script, active,
            "select record_id from " ~ active ~ " union distinct " ~ records_of_scopes(opened, "node", state)
        ) -%}
    {%- endif -%}
    {%- do drop_working_tables(script, [keys, records, closed_keys, closed_nodes, opened]) -%}
    {{ return(is_done) }}
{%- endmacro %}


{#- The tables with what was resolved of these records, beside what is kept: what is neither of the active records nor of
    closed keys that they have. Where `active` is none, nothing is kept. -#}
{% macro replace_edges(script, target, state, resolved, records, active, closed_keys) -%}
    {%- set labels = working_relation("labels") -%}
    {%- set all_closed = working_relation("all_closed") -%}
    {%- set scope_links -%}
        (
            select edges.record_a, edges.record_b
            from ({{ all_rows(resolved.edges) }}) as edges
            left join (select distinct rule, key_hash from ({{ all_rows(resolved.closed) }}) as members) as closed
                on edges.rule = closed.rule and edges.key_hash = closed.key_hash
            where closed.rule is null
        )
    {%- endset -%}
    {%- do label_components(script, scope_links, labels) -%}
    {%- set closed_select -%}
        select rule, key_hash, node, record_id, blocked_because, is_person
        from ({{ all_rows(resolved.closed) }}) as closed
        {% if active is not none -%}
        union all
        select known.rule, known.key_hash, known.node, known.record_id, known.blocked_because, known.is_person
        from {{ state.closed_keys }} as known
        left join {{ closed_keys }} as closed_keys on known.rule = closed_keys.rule and known.key_hash = closed_keys.key_hash
        where closed_keys.rule is null
        {%- endif %}
    {%- endset -%}
    {%- do create_working_table(script, all_closed, closed_select) -%}

    {%- do drop_working_tables(script, [state.closed_keys]) -%}
    {%- set edges_select -%}
        {{ all_rows(resolved.edges) }}
        {% if active is not none -%}
        union all
        select known.*
        from {{ target }} as known
        left join {{ active }} as active on known.record_b = active.record_id
        left join {{ closed_keys }} as closed_keys on known.rule = closed_keys.rule and known.key_hash = closed_keys.key_hash
        where active.record_id is null and closed_keys.rule is null
        {%- endif %}
    {%- endset -%}
    {%- do script.append("create or replace table " ~ target ~ " as " ~ edges_select) -%}
    {%- set scopes_select -%}
        select
            records.record_id,
            records.fingerprint,
            coalesce(labels.component_id, records.record_id) as scope_id
        from {{ records }} as records
        left join {{ labels }} as labels on records.record_id = labels.record_id
        {% if active is not none -%}
        union all
        select known.*
        from {{ state.scopes }} as known
        left join {{ active }} as active on known.record_id = active.record_id
        where active.record_id is null
        {%- endif %}
    {%- endset -%}
    {%- do script.append("create or replace table " ~ state.scopes ~ " as " ~ scopes_select) -%}
    {%- do script.append("create or replace table " ~ state.closed_keys ~ " as select * from " ~ all_closed) -%}
    {%- do drop_working_tables(script, [labels, all_closed] + resolved.edges + resolved.closed) -%}
{%- endmacro %}


{% macro all_rows(relations) -%}
    {%- for relation in relations %}
    select * from {{ relation }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
