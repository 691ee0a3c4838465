"""scv_platform: many sources, one customer, every audience, as one Dagster asset graph."""
