{{ newest_loads("zendesk") }}
