"""Ingestion: the dlt sources as Dagster assets, and the sensors that watch their landing folders."""
