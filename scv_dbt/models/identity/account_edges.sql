with
accounts as (
    select * from {{ ref("int_accounts") }}
),

account_nodes as (
    select * from {{ ref("account_nodes") }}
),

stated as (
    select
        accounts.account_record_id,
        others.account_record_id as other_record_id,
        case when accounts.source = others.source then 'merged' else 'reference' end as rule
    from accounts
    inner join accounts as others on accounts.same_as_record_id = others.account_record_id
    where accounts.account_record_id != others.account_record_id
),

-- The end is the record that the others lead to; a circle of merges has none.
records as (
    select
        accounts.account_record_id,
        accounts.source,
        accounts.domain,
        accounts.people_domain,
        accounts.is_deleted,
        account_nodes.component_id,
        case when stated.account_record_id is null then accounts.account_record_id end as end_record_id
    from accounts
    inner join account_nodes on accounts.account_record_id = account_nodes.record_id
    left join stated on accounts.account_record_id = stated.account_record_id
),

-- What is one as its sources say is one node, named after its end.
nodes as (
    select
        *,
        coalesce(max(end_record_id) over (partition by component_id), component_id) as node
    from records
),

-- A node has one domain at most, so that no chain of domains joins accounts.
node_domains as (
    select
        node,
        coalesce(
            max(case when account_record_id = end_record_id then domain end),
            case when count(distinct domain) = 1 then min(domain) end
        ) as own_domain,
        case when count(distinct people_domain) = 1 then min(people_domain) end as people_domain
    from nodes
    group by node
),

-- In one source, an account that has the domain comes before one whose people have it, and that before a deleted one.
claims as (
    select
        coalesce(node_domains.own_domain, node_domains.people_domain) as domain,
        nodes.source,
        nodes.node,
        min(case when nodes.is_deleted then 3 when node_domains.own_domain is null then 2 else 1 end) as claim
    from nodes
    inner join node_domains on nodes.node = node_domains.node
    where node_domains.own_domain is not null or node_domains.people_domain is not null
    group by coalesce(node_domains.own_domain, node_domains.people_domain), nodes.source, nodes.node
),

ranked_claims as (
    select
        *,
        rank() over (partition by domain, source order by claim) as claim_rank
    from claims
),

first_claims as (
    select *
    from ranked_claims
    where true
    qualify max(claim_rank) over (partition by domain, node) = 1
),

-- Subsidiaries, branches, or strangers at one provider: which of them an account elsewhere is, cannot be told.
several_in_one_source as (
    select
        domain,
        source
    from first_claims
    group by domain, source
    having count(*) > 1
),

shared_domains as (
    select
        domain,
        min(source) as source
    from several_in_one_source
    group by domain
),

owning_nodes as (
    select distinct
        domain,
        node
    from first_claims
),

owners as (
    select
        domain,
        node,
        min(node) over (partition by domain) as first_node
    from owning_nodes
),

edges as (
    select
        least(account_record_id, other_record_id) as record_a,
        greatest(account_record_id, other_record_id) as record_b,
        rule,
        cast(null as string) as domain,
        cast(null as string) as reason
    from stated
    union distinct
    select
        owners.first_node as record_a,
        owners.node as record_b,
        'domain' as rule,
        owners.domain,
        'shared: several accounts of ' || shared_domains.source || ' have the domain' as reason
    from owners
    left join shared_domains on owners.domain = shared_domains.domain
    where owners.node != owners.first_node
),

judged as (
    select
        record_a,
        record_b,
        rule,
        domain,
        case when reason is null then 'kept' else 'refused' end as status,
        reason
    from edges
)

select * from judged
