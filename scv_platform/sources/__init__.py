"""Sources: pure dlt. Nothing in here knows Dagster."""
