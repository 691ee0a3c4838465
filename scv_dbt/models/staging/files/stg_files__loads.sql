{{ newest_loads("files") }}
