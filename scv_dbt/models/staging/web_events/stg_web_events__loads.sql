{{ newest_loads("web_events") }}
