{{ newest_loads("stripe") }}
