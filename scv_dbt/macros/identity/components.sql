{#- Connected components. The model selects links (record_a, record_b), a record that stands alone as a link to
    itself; the table has one row per record: record_id, component_id, the least record id of its component. -#}
{% materialization components, default -%}
    {%- set target_relation = this.incorporate(type="table") -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set links = working_relation("links") -%}
    {%- set labels = working_relation("labels") -%}
    {%- set script = [] -%}
    {%- set drops = [] -%}

    {{ run_hooks(pre_hooks) }}

    {%- do create_working_table(script, links, sql) -%}
    {%- do label_components(script, links, labels) -%}
    {%- do drop_working_tables(drops, [links, labels]) -%}

    {%- if existing_relation is not none and existing_relation.type != "table" -%}
        {%- do adapter.drop_relation(existing_relation) -%}
    {%- endif -%}
    {%- call statement("main") -%}
        {{ script | join(";\n") }};
        create or replace table {{ target_relation }} as
        select record_id, component_id from {{ labels }}
        union all
        select distinct
            links.record_a as record_id,
            links.record_a as component_id
        from {{ links }} as links
        left join {{ labels }} as labels on links.record_a = labels.record_id
        where links.record_a = links.record_b and labels.record_id is null;
        {{ drops | join(";\n") }}
    {%- endcall -%}

    {{ run_hooks(post_hooks) }}
    {%- do persist_docs(target_relation, model) -%}
    {%- do adapter.commit() -%}
    {{ return({"relations": [target_relation]}) }}
{%- endmaterialization %}


{#- Makes `labels` (record_id, component_id) of every record that `links` (record_a, record_b) link to another one.

    Each pass hooks every record to its least neighbour, follows the hooks, and contracts the edges to edges between
    where they lead, until none is left. It follows them for a distance that doubles with each pass: where that does not
    reach the root, the edges that are left say so. Where a pass leaves more than half of them, the hooks form long
    chains, and the next one follows them to the end, which is nearer than there are edges. GROUP BY, MIN, JOIN, DISTINCT
    and LEAST only: the same statements run on every engine, and the result depends on nothing but the links. -#}
{% macro label_components(script, links, labels) -%}
    {%- set edges = working_relation("contracted") -%}
    {%- set max_passes = var("identity_max_passes") -%}
    {%- do create_working_table(script, edges,
        "select distinct least(record_a, record_b) as low, greatest(record_a, record_b) as high"
        ~ " from " ~ links ~ " where record_a != record_b"
    ) -%}

    {%- set progress = namespace(edges_left=none, doublings=1) -%}
    {%- for _ in range(max_passes) if progress.edges_left != 0 -%}
        {%- set hooks = [working_relation("hooks")] -%}
        {%- do create_working_table(script, hooks[0],
            "select record_id, min(root) as root from ("
            ~ "select high as record_id, low as root from " ~ edges
            ~ " union all select low as record_id, low as root from " ~ edges
            ~ ") as neighbours group by record_id"
        ) -%}
        {%- for doubling in range(progress.doublings) -%}
            {%- do hooks.append(working_relation("hooks_" ~ doubling)) -%}
            {%- do create_working_table(script, hooks[-1],
                "select hooks.record_id, target.root from " ~ hooks[-2] ~ " as hooks"
                ~ " inner join " ~ hooks[-2] ~ " as target on hooks.root = target.record_id"
            ) -%}
        {%- endfor -%}
        {%- do create_working_table(script, labels,
            "select record_id, root as component_id from " ~ hooks[-1]
            if loop.first else
            "select labels.record_id, coalesce(hooks.root, labels.component_id) as component_id from " ~ labels
            ~ " as labels left join " ~ hooks[-1] ~ " as hooks on labels.component_id = hooks.record_id"
        ) -%}
        {%- do create_working_table(script, edges,
            "select distinct least(low.root, high.root) as low, greatest(low.root, high.root) as high"
            ~ " from " ~ edges ~ " as edges"
            ~ " inner join " ~ hooks[-1] ~ " as low on edges.low = low.record_id"
            ~ " inner join " ~ hooks[-1] ~ " as high on edges.high = high.record_id"
            ~ " where low.root != high.root"
        ) -%}
        {%- do drop_working_tables(script, hooks) -%}
        {%- set edges_before = progress.edges_left -%}
        {%- set progress.edges_left = row_count(script, edges) -%}
        {%- if edges_before is not none and progress.edges_left * 2 > edges_before -%}
            {%- set progress.doublings = "{:b}".format(progress.edges_left) | length -%}
        {%- else -%}
            {%- set progress.doublings = progress.doublings + 1 -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if progress.edges_left > 0 -%}
        {%- do exceptions.raise_compiler_error(
            model.name ~ ": " ~ progress.edges_left ~ " edges are left after " ~ max_passes ~ " passes; look for a rule"
            ~ " in `identity_rules` that chains records without end"
        ) -%}
    {%- endif -%}

    {%- do drop_working_tables(script, [edges]) -%}
{%- endmacro %}
