{#- Connected components. The model selects links (record_a, record_b), a record that stands alone as a link to
    itself; the table has one row per record: record_id, component_id, the least record id of its component. -#}
{% materialization components, default -%}
    {%- set target_relation = this.incorporate(type="table") -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set links = working_relation("links") -%}
    {%- set labels = working_relation("labels") -%}

    {{ run_hooks(pre_hooks) }}

    {%- do create_working_table(links, sql) -%}
    {%- do label_components(links, labels) -%}

    {%- if existing_relation is not none and existing_relation.type != "table" -%}
        {%- do adapter.drop_relation(existing_relation) -%}
    {%- endif -%}
    {%- call statement("main") -%}
        create or replace table {{ target_relation }} as
        select
            records.record_id,
            coalesce(labels.component_id, records.record_id) as component_id
        from (
            select record_a as record_id from {{ links }}
            union distinct
            select record_b as record_id from {{ links }}
        ) as records
        left join {{ labels }} as labels on records.record_id = labels.record_id
    {%- endcall -%}

    {{ run_hooks(post_hooks) }}
    {%- do persist_docs(target_relation, model) -%}
    {%- do adapter.commit() -%}
    {%- do drop_working_tables([links, labels]) -%}
    {{ return({"relations": [target_relation]}) }}
{%- endmaterialization %}


{#- Makes `labels` (record_id, component_id) of every record that `links` (record_a, record_b) link to another one.

    Each pass hooks every record to its least neighbour, follows the hooks to their roots, and contracts the edges to
    edges between roots, until none is left. GROUP BY, MIN, JOIN, DISTINCT and LEAST only: the same statements run on
    every engine, and the result depends on nothing but the links. -#}
{% macro label_components(links, labels) -%}
    {%- set edges = working_relation("contracted") -%}
    {%- set hooks = working_relation("hooks") -%}
    {%- set max_passes = var("identity_max_passes") -%}
    {%- do create_working_table(edges,
        "select distinct least(record_a, record_b) as low, greatest(record_a, record_b) as high"
        ~ " from " ~ links ~ " where record_a != record_b"
    ) -%}
    {%- do create_working_table(labels,
        "select low as record_id, low as component_id from " ~ edges
        ~ " union distinct select high as record_id, high as component_id from " ~ edges
    ) -%}

    {%- set progress = namespace(edges_left=row_count(edges), passes=0) -%}
    {%- for _ in range(max_passes) if progress.edges_left > 0 -%}
        {%- set progress.passes = progress.passes + 1 -%}
        {%- do create_working_table(hooks,
            "select record_id, min(root) as root, true as moved from ("
            ~ "select high as record_id, low as root from " ~ edges
            ~ " union all select low as record_id, low as root from " ~ edges
            ~ ") as neighbours group by record_id"
        ) -%}
        {%- do follow_hooks_to_roots(hooks) -%}
        {%- do create_working_table(labels,
            "select labels.record_id, coalesce(hooks.root, labels.component_id) as component_id"
            ~ " from " ~ labels ~ " as labels left join " ~ hooks ~ " as hooks on labels.component_id = hooks.record_id"
        ) -%}
        {%- do create_working_table(edges,
            "select distinct least(low.root, high.root) as low, greatest(low.root, high.root) as high"
            ~ " from " ~ edges ~ " as edges"
            ~ " inner join " ~ hooks ~ " as low on edges.low = low.record_id"
            ~ " inner join " ~ hooks ~ " as high on edges.high = high.record_id"
            ~ " where low.root != high.root"
        ) -%}
        {%- set progress.edges_left = row_count(edges) -%}
    {%- endfor -%}
    {%- if progress.edges_left > 0 -%}
        {%- do exceptions.raise_compiler_error(
            model.name ~ ": " ~ progress.edges_left ~ " edges are left after " ~ max_passes ~ " passes; look for a rule"
            ~ " in `identity_rules` that chains records without end"
        ) -%}
    {%- endif -%}

    {%- do drop_working_tables([edges, hooks]) -%}
{%- endmacro %}


{#- Replaces each hook by the hook of its target until nothing moves. The distance to the root halves each time, and
    no path is longer than 2 ** 64. -#}
{% macro follow_hooks_to_roots(hooks) -%}
    {%- set progress = namespace(moving=true) -%}
    {%- for _ in range(64) if progress.moving -%}
        {%- do create_working_table(hooks,
            "select hooks.record_id, target.root, hooks.root != target.root as moved"
            ~ " from " ~ hooks ~ " as hooks inner join " ~ hooks ~ " as target on hooks.root = target.record_id"
        ) -%}
        {%- set progress.moving = row_count(hooks, "moved") > 0 -%}
    {%- endfor -%}
{%- endmacro %}


{% macro row_count(relation, condition="true") -%}
    {{ return(run_query("select count(*) from " ~ relation ~ " where " ~ condition).columns[0].values()[0] | int) }}
{%- endmacro %}


{% macro drop_working_tables(relations) -%}
    {%- for relation in relations -%}
        {%- do run_query("drop table if exists " ~ relation) -%}
    {%- endfor -%}
{%- endmacro %}
