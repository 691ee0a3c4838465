{#- Edges of all rules and of the linkage model, level by level, the strongest first. The dbt model selects keys
    (record_id, rule, level, key_hash, blocked_because); the table has one row per proposed link.

    Level 0 is what stewards linked, whatever guards say. Two nodes of which they keep records apart conflict on every
    level, the unguarded ones too.

    The nodes of a level are the components of the levels above it, so a guard compares all that is known of two people,
    not two records, and what a level joined stays joined. In a level, per key:
    1. A key that is blocked, or that too many nodes have, joins nobody.
    2. A node that agrees with two others that conflict joins neither: it cannot be told whose it is. What is left
       falls into groups within which nobody conflicts, and between which everybody does (a graph in which no node
       has two neighbours that are not neighbours themselves is a set of cliques).
    3. The groups of all keys of the level together must not chain people who conflict. Where they do, the nodes that
       stand between two who conflict are refused, and should that not be enough, the whole chain is; so is what is
       too large for one person, in records or in identifiers of a type.
    The level of the linkage model is in `link_by_model`.
    A key with n nodes has n - 1 edges, kept inside its groups and refused between them. Nothing depends on the order
    of rows or of arrival: every choice is between sets, and a name is always the least record id. -#}
{% materialization edges_by_level, default -%}
    {%- set target_relation = this.incorporate(type="table") -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set state = state_of_edges() -%}
    {%- set linkable = working_relation("linkable") -%}
    {%- set active = working_relation("active") -%}
    {%- set labels = working_relation("labels") -%}
    {%- set match_keys = "(" ~ sql ~ ")" -%}
    {%- set progress = namespace(is_done=false, active_count=none) -%}
    {%- set script = [] -%}

    {{ run_hooks(pre_hooks) }}

    {%- set keeps_apart = row_count(script, ref("overrides"), "decision = 'unlink'") > 0 -%}
    {%- if keeps_apart -%}
        {%- do refuse_contradictions(script, labels) -%}
    {%- endif -%}
    {%- do create_working_table(script, linkable, linkable_records(match_keys)) -%}
    {%- if existing_relation is not none and existing_relation.type != "table" -%}
        {%- do adapter.drop_relation(existing_relation) -%}
    {%- elif existing_relation is not none and is_kept(state) and not should_full_refresh() -%}
        {%- do find_active_records(script, active, linkable, match_keys, state) -%}
        {%- set counts = answer(script,
            "select (select count(*) from " ~ active ~ "), (select count(*) from " ~ linkable ~ ")").rows[0] -%}
        {%- set progress.active_count = counts[0] -%}
        {%- set progress.is_done = progress.active_count == 0 -%}
        {#- Of most records everything is sooner resolved than what changed. A key that joined nobody may now; then those
            who have it are active as well, and so on. -#}
        {%- for _ in range(3) if not progress.is_done and progress.active_count * 2 < counts[1] -%}
            {%- set progress.is_done = resolve_active_records(script, target_relation, active, linkable, match_keys, state,
                keeps_apart) -%}
            {%- if not progress.is_done -%}
                {%- set progress.active_count = row_count(script, active) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if not progress.is_done -%}
        {%- set resolved = resolve_levels(script, match_keys, linkable, none, keeps_apart) -%}
        {%- do replace_edges(script, target_relation, state, resolved, linkable, none, none) -%}
    {%- endif -%}
    {%- do drop_working_tables(script, [linkable, active, labels]) -%}

    {%- call statement("main") -%}
        {{ script | join(";\n") }}
    {%- endcall -%}

    {{ run_hooks(post_hooks) }}
    {%- do persist_docs(target_relation, model) -%}
    {%- do adapter.commit() -%}
    {{ return({"relations": [target_relation, state.scopes, state.closed_keys]}) }}
{%- endmaterialization %}


{#- Resolves these records level by level. `keys` are theirs; `closed_nodes` are the nodes of other records that have
    some of these keys, none if there are none. Returns the tables `edges`, one of each level, and `closed`: the members of
    those keys of the level that join nobody, and of `closed_nodes` all. -#}
{% macro resolve_levels(script, keys, records, closed_nodes, keeps_apart) -%}
    {%- set nodes = working_relation("nodes") -%}
    {%- set members = working_relation("members") -%}
    {%- set groups = working_relation("groups") -%}
    {%- set labels = working_relation("labels") -%}
    {%- set conflicts = working_relation("conflicts") -%}
    {%- set steward_links = working_relation("steward_links") -%}
    {%- set steward_edges = working_relation("edges_0") -%}
    {%- set resolved = {"edges": [steward_edges], "closed": []} -%}

    {%- do create_working_table(script, steward_links, links_of_stewards(records)) -%}
    {%- do label_components(script, steward_links, labels) -%}
    {%- do create_working_table(script, steward_edges, edges_of_stewards(steward_links)) -%}
    {%- do create_working_table(script, nodes, nodes_of_stewards(records, labels)) -%}
    {%- for level in identity_levels() -%}
        {%- set edges = working_relation("edges_" ~ level.number) -%}
        {%- if level.rules -%}
            {%- set guard = level.rules[0].guard -%}
            {%- set closed = working_relation("closed_" ~ level.number) -%}
            {%- do create_working_table(script, members, members_of_keys(keys, nodes, level.rules, closed_nodes)) -%}
            {%- do create_working_table(script, closed, "select * from " ~ members ~ " where reason is not null or is_other") -%}
            {%- do resolved.closed.append(closed) -%}
            {%- set guarded = (guard | length > 0 or keeps_apart) and row_count(script, members, "reason is null") > 0 -%}
            {%- if guarded -%}
                {%- do find_conflicts(script, conflicts, pairs_that_share_a_key(members), nodes, guard, keeps_apart) -%}
                {%- do create_working_table(script, members, members_with_refusals(members,
                    ambiguous_members(members, conflicts))) -%}
            {%- endif -%}
            {%- do create_working_table(script, groups, groups_of_members(members, conflicts if guarded else none)) -%}
            {%- if guarded -%}
                {%- do break_chains(script, groups, members, conflicts, labels, nodes, guard, keeps_apart) -%}
            {%- elif not loop.last -%}
                {%- do label_components(script, links_of_groups(groups), labels) -%}
            {%- endif -%}
            {%- do create_working_table(script, edges,
                edges_of_groups(groups, conflicts if guarded else none, level.rules)) -%}
        {%- else -%}
            {%- do link_by_model(script, edges, labels, nodes, level.number, keeps_apart) -%}
        {%- endif -%}
        {%- do resolved.edges.append(edges) -%}
        {%- if not loop.last -%}
            {%- do create_working_table(script, nodes, relabelled_nodes(nodes, labels)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do drop_working_tables(script, [nodes, members, groups, labels, conflicts, steward_links]) -%}
    {{ return(resolved) }}
{%- endmacro %}


{#- Stops where stewards link, over whatever records, two whom they keep apart. -#}
{% macro refuse_contradictions(script, labels) -%}
    {%- set links = "(select * from " ~ ref("overrides") ~ " where decision = 'link')" -%}
    {%- do label_components(script, links, labels) -%}
    {%- set contradictions_select -%}
        select
            unlinks.record_a,
            unlinks.record_b,
            cast(unlinks.decided_at as string) as decided_at,
            links.record_a as linked_a,
            links.record_b as linked_b,
            cast(links.decided_at as string) as linked_at
        from {{ ref("overrides") }} as unlinks
        inner join {{ labels }} as one on unlinks.record_a = one.record_id
        inner join {{ labels }} as other on unlinks.record_b = other.record_id and one.component_id = other.component_id
        inner join {{ labels }} as linked on one.component_id = linked.component_id
        inner join {{ links }} as links on linked.record_id = links.record_a
        where unlinks.decision = 'unlink'
        order by 1, 2, 4, 5
        limit 20
    {%- endset -%}
    {%- set decisions = [] -%}
    {%- for row in answer(script, contradictions_select) -%}
        {%- for text in [
            "unlink of " ~ row[0] ~ " and " ~ row[1] ~ " (" ~ row[2] ~ ")",
            "link of " ~ row[3] ~ " and " ~ row[4] ~ " (" ~ row[5] ~ ")",
        ] if text not in decisions -%}
            {%- do decisions.append(text) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if decisions -%}
        {%- do exceptions.raise_compiler_error(
            "decisions of stewards contradict each other: " ~ decisions | join("; ") ~ ". Take one back: change"
            ~ " its line in seeds/identity_overrides.csv, or decide its pair anew with `scv identity link | unlink`"
        ) -%}
    {%- endif -%}
{%- endmacro %}


{#- The links that stewards want between records that are here; a record may come later. -#}
{% macro links_of_stewards(records) -%}
    select
        overrides.record_a,
        overrides.record_b
    from {{ ref("overrides") }} as overrides
    inner join {{ records }} as record_a on overrides.record_a = record_a.record_id
    inner join {{ records }} as record_b on overrides.record_b = record_b.record_id
    where overrides.decision = 'link'
{%- endmacro %}


{#- The nodes of the first level: each record, and those that stewards linked as one. -#}
{% macro nodes_of_stewards(records, labels) -%}
    select
        records.record_id,
        coalesce(labels.component_id, records.record_id) as node,
        labels.component_id as steward_node,
        records.is_anonymous
    from {{ records }} as records
    left join {{ labels }} as labels on records.record_id = labels.record_id
{%- endmacro %}


{% macro edges_of_stewards(steward_links) -%}
    select
        record_a,
        record_b,
        'steward' as rule,
        {{ sha256_hex("'steward:' || record_a || ':' || record_b") }} as key_hash,
        0 as level,
        'certain' as strength,
        cast(null as {{ dbt.type_float() }}) as probability,
        'steward' as origin,
        'kept' as status,
        cast(null as string) as reason
    from {{ steward_links }}
{%- endmacro %}


{#- One row per key of these rules that several nodes have, and node: its least record with the key, and why the key
    joins nobody, if so. -#}
{% macro members_of_keys(keys, nodes, rules, closed_nodes) -%}
    with rules as (
        {% for rule in rules -%}
        select
            '{{ rule.name }}' as rule,
            {{ rule.max_shared }} as max_shared,
            {{ rule.max_people if rule.max_people is not none else "cast(null as integer)" }} as max_people
        {% if not loop.last -%} union all {%- endif %}
        {% endfor -%}
    ),

    own_members as (
        select
            keys.rule,
            keys.key_hash,
            nodes.node,
            min(keys.record_id) as record_id,
            min(keys.blocked_because) as blocked_because
        from {{ keys }} as keys
        inner join {{ nodes }} as nodes on keys.record_id = nodes.record_id
        where keys.rule in {{ texts(rules | map(attribute="name") | list) }}
        group by keys.rule, keys.key_hash, nodes.node
    ),

    people as (
        select distinct node from {{ nodes }} where not is_anonymous
    ),

    members as (
        select
            own_members.rule,
            own_members.key_hash,
            own_members.node,
            own_members.record_id,
            own_members.blocked_because,
            people.node is not null as is_person,
            false as is_other
        from own_members
        left join people on own_members.node = people.node
        {% if closed_nodes is not none -%}
        union all
        select rule, key_hash, node, record_id, blocked_because, is_person, true as is_other
        from {{ closed_nodes }}
        where rule in {{ texts(rules | map(attribute="name") | list) }}
        {%- endif %}
    ),

    counted as (
        select
            *,
            count(*) over (partition by rule, key_hash) as node_count,
            count(case when is_person then 1 end) over (partition by rule, key_hash) as people_count
        from members
    )

    select
        counted.rule,
        counted.key_hash,
        counted.node,
        counted.record_id,
        counted.blocked_because,
        counted.is_person,
        counted.is_other,
        case
            when counted.blocked_because is not null then 'blocked: ' || counted.blocked_because
            when counted.node_count > rules.max_shared
                then 'hub: shared by ' || cast(counted.node_count as string)
            when counted.people_count > rules.max_people
                then 'shared: ' || cast(counted.people_count as string) || ' people have it'
        end as reason
    from counted
    inner join rules on counted.rule = rules.rule
    where counted.node_count > 1
{%- endmacro %}


{% macro pairs_that_share_a_key(members) -%}
    select distinct
        one.node as node_a,
        other.node as node_b
    from {{ members }} as one
    inner join {{ members }} as other
        on one.rule = other.rule and one.key_hash = other.key_hash and one.node < other.node
    where one.reason is null and other.reason is null
{%- endmacro %}


{#- The pairs of nodes that stewards keep apart, each pair both ways. -#}
{% macro nodes_kept_apart(nodes) -%}
    with unlinked as (
        select
            node_a.node as node_a,
            node_b.node as node_b
        from {{ ref("overrides") }} as overrides
        inner join {{ nodes }} as node_a on overrides.record_a = node_a.record_id
        inner join {{ nodes }} as node_b on overrides.record_b = node_b.record_id
        where overrides.decision = 'unlink'
    )

    select node_a, node_b, 'steward: kept apart' as reason from unlinked
    union distinct
    select node_b as node_a, node_a as node_b, 'steward: kept apart' as reason from unlinked
{%- endmacro %}


{#- Makes `conflicts` (node_a, node_b, reason) of the pairs of nodes that stewards keep apart, and of those pairs of
    `pairs_select` that conflict in a trait of the guard; each pair both ways. Two nodes conflict in given name or birth
    date when any two of their values do, which no second value can heal; in another trait when they have no value in
    common, as a family name may change and a second passport be issued. In one of `contacts` two nodes may differ that
    agree in another one or in any of `vouchers`. Records that a steward linked may differ among themselves: who agrees
    with one of them agrees with all. -#}
{% macro find_conflicts(script, conflicts, pairs_select, nodes, guard, keeps_apart, contacts=[], vouchers=[]) -%}
    {%- if guard | length + contacts | length == 0 -%}
        {%- do create_working_table(script, conflicts, nodes_kept_apart(nodes)) -%}
    {%- else -%}
        {%- do find_conflicts_of_traits(script, conflicts, pairs_select, nodes, guard, keeps_apart, contacts, vouchers) -%}
    {%- endif -%}
{%- endmacro %}


{% macro find_conflicts_of_traits(script, conflicts, pairs_select, nodes, guard, keeps_apart, contacts, vouchers) -%}
    {%- set pairs = working_relation("pairs") -%}
    {%- set traits = working_relation("traits") -%}
    {%- set trait_values = working_relation("trait_values") -%}
    {%- set judged = working_relation("judged") -%}
    {%- do create_working_table(script, pairs, pairs_select) -%}
    {%- set traits_select -%}
        select distinct
            nodes.node,
            record_traits.trait,
            record_traits.trait_value,
            coalesce(nodes.steward_node, '') as linked_node,
            case when nodes.steward_node is not null then nodes.record_id else '' end as linked_record
        from {{ nodes }} as nodes
        inner join {{ ref("record_traits") }} as record_traits on nodes.record_id = record_traits.record_id
        inner join (
            select node_a as node from {{ pairs }} union distinct select node_b as node from {{ pairs }}
        ) as paired on nodes.node = paired.node
        where record_traits.trait in {{ texts(guard + contacts + vouchers) }}
    {%- endset -%}
    {%- do create_working_table(script, traits, traits_select) -%}
    {%- set values_select -%}
        select distinct
            one.trait,
            least(one.trait_value, other.trait_value) as value_a,
            greatest(one.trait_value, other.trait_value) as value_b
        from {{ pairs }} as pairs
        inner join {{ traits }} as one on pairs.node_a = one.node
        inner join {{ traits }} as other on pairs.node_b = other.node and one.trait = other.trait
        where one.trait_value != other.trait_value
    {%- endset -%}
    {%- do create_working_table(script, trait_values, values_select) -%}
    {%- do create_working_table(script, judged, agreements(trait_values, ref("given_names"))) -%}
    {%- set conflicts_select -%}
        with compared_records as (
            select
                pairs.node_a,
                pairs.node_b,
                one.trait,
                one.linked_node as linked_a,
                other.linked_node as linked_b,
                max(case when coalesce(judged.agrees, true) then 1 else 0 end) as any_agree,
                min(case when coalesce(judged.agrees, true) then 1 else 0 end) as all_agree
            from {{ pairs }} as pairs
            inner join {{ traits }} as one on pairs.node_a = one.node
            inner join {{ traits }} as other on pairs.node_b = other.node and one.trait = other.trait
            left join {{ judged }} as judged
                on
                    one.trait = judged.trait
                    and least(one.trait_value, other.trait_value) = judged.value_a
                    and greatest(one.trait_value, other.trait_value) = judged.value_b
            group by
                pairs.node_a, pairs.node_b, one.trait, one.linked_node, other.linked_node, one.linked_record,
                other.linked_record
        ),

        compared_links as (
            select
                node_a,
                node_b,
                trait,
                max(any_agree) as any_agree,
                max(all_agree) as all_agree
            from compared_records
            group by node_a, node_b, trait, linked_a, linked_b
        ),

        compared as (
            select
                node_a,
                node_b,
                trait,
                max(any_agree) as any_agree,
                min(all_agree) as all_agree
            from compared_links
            group by node_a, node_b, trait
        ),

        {% if contacts -%}
        vouched as (
            select distinct
                node_a,
                node_b
            from compared
            where trait in {{ texts(contacts + vouchers) }} and any_agree = 1
        ),

        {% endif -%}
        conflicting as (
            select
                compared.node_a,
                compared.node_b,
                'conflict: ' || string_agg(replace(compared.trait, '_', ' '), ', ' order by compared.trait) as reason
            from compared
            {% if contacts -%}
            left join vouched on compared.node_a = vouched.node_a and compared.node_b = vouched.node_b
            {% endif -%}
            where
                case when compared.trait in ('given_name', 'birth_date') then compared.all_agree else compared.any_agree end = 0
                and (
                    compared.trait in {{ texts(guard) }}
                    {%- if contacts %}
                    or (compared.trait in {{ texts(contacts) }} and vouched.node_a is null)
                    {%- endif %}
                )
            group by compared.node_a, compared.node_b
        ),

        both_ways as (
            select node_a, node_b, reason from conflicting
            union all
            select node_b as node_a, node_a as node_b, reason from conflicting
        )

        {% if keeps_apart -%}
        , kept_apart as (
            {{ nodes_kept_apart(nodes) }}
        )

        select node_a, node_b, reason from kept_apart
        union all
        select both_ways.node_a, both_ways.node_b, both_ways.reason
        from both_ways
        left join kept_apart on both_ways.node_a = kept_apart.node_a and both_ways.node_b = kept_apart.node_b
        where kept_apart.node_a is null
        {%- else -%}
        select node_a, node_b, reason from both_ways
        {%- endif %}
    {%- endset -%}
    {%- do create_working_table(script, conflicts, conflicts_select) -%}
    {%- do drop_working_tables(script, [pairs, traits, trait_values, judged]) -%}
{%- endmacro %}


{#- Members of a key that agree with two other members of it that conflict. -#}
{% macro ambiguous_members(members, conflicts) -%}
    with open_members as (
        select * from {{ members }} where reason is null
    ),

    conflicting as (
        select
            one.rule,
            one.key_hash,
            one.node as node_a,
            other.node as node_b
        from open_members as one
        inner join {{ conflicts }} as conflicts on one.node = conflicts.node_a
        inner join open_members as other
            on conflicts.node_b = other.node and one.rule = other.rule and one.key_hash = other.key_hash
        where one.node < other.node
    )

    select distinct
        open_members.rule,
        open_members.key_hash,
        open_members.node,
        'ambiguous: agrees with people who contradict each other' as reason
    from open_members
    inner join conflicting
        on
            open_members.rule = conflicting.rule
            and open_members.key_hash = conflicting.key_hash
            and open_members.node != conflicting.node_a
            and open_members.node != conflicting.node_b
    left join {{ conflicts }} as with_a on open_members.node = with_a.node_a and conflicting.node_a = with_a.node_b
    left join {{ conflicts }} as with_b on open_members.node = with_b.node_a and conflicting.node_b = with_b.node_b
    where with_a.node_a is null and with_b.node_a is null
{%- endmacro %}


{#- The members, those in `refused` (rule, key_hash, node, reason) with its reason where they had none. -#}
{% macro members_with_refusals(members, refused) -%}
    select
        members.rule,
        members.key_hash,
        members.node,
        members.record_id,
        coalesce(members.reason, refused.reason) as reason
    from {{ members }} as members
    left join ({{ refused }}) as refused
        on members.rule = refused.rule and members.key_hash = refused.key_hash and members.node = refused.node
{%- endmacro %}


{#- The members with the least record of their group. A refused member is a group of its own. -#}
{% macro groups_of_members(members, conflicts) -%}
    with members as (
        select * from {{ members }}
    ),

    {% if conflicts is none -%}
    grouped as (
        select
            *,
            case when reason is null then min(node) over (partition by rule, key_hash, reason) else node end as group_node
        from members
    )
    {%- else -%}
    keys_in_conflict as (
        select distinct
            one.rule,
            one.key_hash
        from members as one
        inner join {{ conflicts }} as conflicts on one.node = conflicts.node_a
        inner join members as other
            on conflicts.node_b = other.node and one.rule = other.rule and one.key_hash = other.key_hash
    ),

    agreeing as (
        select
            one.rule,
            one.key_hash,
            one.node,
            min(other.node) as group_node
        from members as one
        inner join keys_in_conflict on one.rule = keys_in_conflict.rule and one.key_hash = keys_in_conflict.key_hash
        inner join members as other on one.rule = other.rule and one.key_hash = other.key_hash
        left join {{ conflicts }} as conflicts on one.node = conflicts.node_a and other.node = conflicts.node_b
        where one.reason is null and other.reason is null and conflicts.node_a is null
        group by one.rule, one.key_hash, one.node
    ),

    grouped as (
        select
            members.*,
            case
                when members.reason is not null then members.node
                when agreeing.node is not null then agreeing.group_node
                else min(members.node) over (partition by members.rule, members.key_hash, members.reason)
            end as group_node
        from members
        left join agreeing
            on members.rule = agreeing.rule and members.key_hash = agreeing.key_hash and members.node = agreeing.node
    )
    {%- endif %}

    select
        *,
        min(record_id) over (partition by rule, key_hash, group_node, reason) as group_record_id
    from grouped
{%- endmacro %}


{% macro links_of_groups(groups) -%}
    (select group_node as record_a, node as record_b from {{ groups }} where group_node != node)
{%- endmacro %}


{#- Refuses what would join people who conflict over several keys, and joins too large to be one person; `labels` are
    those of the groups that are left. -#}
{% macro break_chains(script, groups, members, conflicts, labels, nodes, guard, keeps_apart) -%}
    {%- set chained = working_relation("chained") -%}
    {%- set chain_conflicts = working_relation("chain_conflicts") -%}
    {%- set refused = working_relation("refused") -%}
    {%- set progress = namespace(breaking=true) -%}
    {%- do label_components(script, links_of_groups(groups), labels) -%}
    {%- for refuse_all in [false, true] if progress.breaking -%}
        {%- do create_working_table(script, chained, chained_nodes(groups, labels, nodes, guard)) -%}
        {%- set progress.breaking = row_count(script, chained) > 0 -%}
        {%- if progress.breaking -%}
            {%- do find_conflicts(script, chain_conflicts, pairs_of_a_chain(chained), nodes, guard, keeps_apart) -%}
            {%- do create_working_table(script, refused, refused_members(groups, chained, chain_conflicts, refuse_all)) -%}
            {%- set progress.breaking = row_count(script, refused) > 0 -%}
        {%- endif -%}
        {%- if progress.breaking -%}
            {%- do create_working_table(script, members, members_with_refusals(members, "select * from " ~ refused)) -%}
            {%- do create_working_table(script, groups, groups_of_members(members, conflicts)) -%}
            {%- do label_components(script, links_of_groups(groups), labels) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do drop_working_tables(script, [chained, chain_conflicts, refused]) -%}
{%- endmacro %}


{#- The nodes of components that more than one key joins, as only those can hold people who conflict, and of those with
    more values of an identifier type than one person may have. Where nothing is guarded, no component is too large. -#}
{% macro chained_nodes(groups, labels, nodes, guard) -%}
    with component_keys as (
        select
            labels.component_id,
            count(distinct grouped.rule || ':' || grouped.key_hash) as key_count
        from {{ labels }} as labels
        inner join {{ groups }} as grouped on labels.record_id = grouped.node
        where grouped.group_node != grouped.node
        group by labels.component_id
    ),

    crowded_types as (
        select
            labels.component_id,
            identifiers.identifier_type
        from component_keys
        inner join {{ labels }} as labels on component_keys.component_id = labels.component_id
        inner join {{ nodes }} as nodes on labels.record_id = nodes.node
        inner join {{ ref("identifiers") }} as identifiers on nodes.record_id = identifiers.record_id
        where identifiers.blocked_as is null and {{ "true" if guard else "false" }}
        group by labels.component_id, identifiers.identifier_type
        having {{ more_than_one_person_has("identifiers.identifier_type", "identifiers.identifier_value") }}
    ),

    crowded as (
        select distinct component_id from crowded_types
    )

    select
        labels.component_id,
        labels.record_id as node,
        crowded.component_id is not null
        {%- if guard %}
        or count(*) over (partition by labels.component_id) > {{ var("identity_size_cap") }}
        {%- endif %} as is_too_large
    from {{ labels }} as labels
    inner join component_keys on labels.component_id = component_keys.component_id
    left join crowded on labels.component_id = crowded.component_id
    where component_keys.key_count > 1 or crowded.component_id is not null
{%- endmacro %}


{#- Of a group by identifier type: whether there are more values of it than `identity_max_values` allows one person. -#}
{% macro more_than_one_person_has(type, value) -%}
    {%- for name, most in max_values().items() %}
    {{- "count(distinct " ~ value ~ ") > case min(" ~ type ~ ")" if loop.first }}
        when '{{ name }}' then {{ most }}
    {{- " end" if loop.last }}
    {%- else -%}
    false
    {%- endfor %}
{%- endmacro %}


{% macro pairs_of_a_chain(chained) -%}
    select
        one.node as node_a,
        other.node as node_b
    from {{ chained }} as one
    inner join {{ chained }} as other on one.component_id = other.component_id and one.node < other.node
    where not one.is_too_large
{%- endmacro %}


{#- The members of the nodes that stand between two who conflict; of all nodes of a component where nobody stands
    between them (the chain is longer), where it is too large, or where all are to be refused. -#}
{% macro refused_members(groups, chained, chain_conflicts, refuse_all) -%}
    with grouped as (
        select
            linked.*,
            chained.component_id,
            chained.is_too_large
        from {{ groups }} as linked
        inner join {{ chained }} as chained on linked.node = chained.node
        where linked.reason is null
    ),

    conflicting as (
        select
            chained.component_id,
            conflicts.node_a,
            conflicts.node_b
        from {{ chain_conflicts }} as conflicts
        inner join {{ chained }} as chained on conflicts.node_a = chained.node
        inner join {{ chained }} as other
            on conflicts.node_b = other.node and chained.component_id = other.component_id
    ),

    neighbours as (
        select distinct
            one.node,
            other.node as neighbour
        from grouped as one
        inner join grouped as other
            on one.rule = other.rule and one.key_hash = other.key_hash and one.group_node = other.group_node
        where
            one.node != other.node
            and one.component_id in (select component_id from conflicting)
    ),

    between_them as (
        select distinct
            conflicting.component_id,
            to_a.node
        from conflicting
        inner join neighbours as to_a on conflicting.node_a = to_a.neighbour
        inner join neighbours as to_b on conflicting.node_b = to_b.neighbour and to_a.node = to_b.node
    ),

    to_refuse as (
        select component_id, node from {{ chained }} where is_too_large
        union distinct
        {% if refuse_all -%}
        select chained.component_id, chained.node
        from {{ chained }} as chained
        inner join conflicting on chained.component_id = conflicting.component_id
        {%- else -%}
        select component_id, node from between_them
        union distinct
        select chained.component_id, chained.node
        from {{ chained }} as chained
        inner join conflicting on chained.component_id = conflicting.component_id
        left join between_them on chained.component_id = between_them.component_id
        where between_them.component_id is null
        {%- endif %}
    )

    select
        grouped.rule,
        grouped.key_hash,
        grouped.node,
        case
            when grouped.is_too_large then 'crowded: would have too many records, or too many identifiers'
            else 'chain: would join people who contradict each other'
        end as reason
    from grouped
    inner join to_refuse on grouped.node = to_refuse.node
{%- endmacro %}


{#- The edges of a level, in the columns of the model. -#}
{% macro edges_of_groups(groups, conflicts, rules) -%}
    with rules as (
        {% for rule in rules -%}
        select
            '{{ rule.name }}' as rule,
            {{ rule.level }} as level,
            '{{ rule.strength }}' as strength
        {% if not loop.last -%} union all {%- endif %}
        {% endfor -%}
    ),

    starred as (
        select
            *,
            min(record_id) over (partition by rule, key_hash) as centre_record_id
        from {{ groups }}
    ),

    edges as (
        select
            case
                when starred.record_id = starred.group_record_id then starred.centre_record_id
                else starred.group_record_id
            end as record_a,
            starred.record_id as record_b,
            starred.rule,
            starred.key_hash,
            rules.level,
            rules.strength,
            cast(null as {{ dbt.type_float() }}) as probability,
            'rule' as origin,
            case when starred.record_id = starred.group_record_id then 'refused' else 'kept' end as status,
            case
                when starred.record_id = starred.group_record_id
                    then {{ "coalesce(starred.reason, centres.reason" ~ (", conflicts.reason" if conflicts is not none else "") ~ ")" }}
            end as reason
        from starred
        inner join rules on starred.rule = rules.rule
        inner join {{ groups }} as centres
            on
                starred.rule = centres.rule
                and starred.key_hash = centres.key_hash
                and starred.centre_record_id = centres.record_id
        {% if conflicts is not none -%}
        left join {{ conflicts }} as conflicts on starred.node = conflicts.node_a and centres.node = conflicts.node_b
        {% endif -%}
        where starred.record_id != starred.centre_record_id
    )

    select * from edges
{%- endmacro %}


{#- The nodes after a level: each component that it made is one. -#}
{% macro relabelled_nodes(nodes, labels) -%}
    select
        nodes.record_id,
        coalesce(labels.component_id, nodes.node) as node,
        nodes.steward_node,
        nodes.is_anonymous
    from {{ nodes }} as nodes
    left join {{ labels }} as labels on nodes.node = labels.record_id
{%- endmacro %}
