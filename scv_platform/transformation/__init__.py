"""Transformation: the dbt project as Dagster assets, from staging to the master tables."""
