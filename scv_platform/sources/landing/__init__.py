"""Landing files: what lies in the folders of a dataset becomes rows of its raw tables, each content once."""

from scv_platform.sources.landing.discover import Discovery, KnownFiles, LoadedFile, PendingFile, pending_files
from scv_platform.sources.landing.ledger import LoadSummary, incomplete_tables, load_summary, loaded_files
from scv_platform.sources.landing.mapping import FileMapping, LandingDataset
from scv_platform.sources.landing.source import landing_source, load, pipeline

__all__ = [
    "Discovery",
    "FileMapping",
    "KnownFiles",
    "LandingDataset",
    "LoadSummary",
    "LoadedFile",
    "PendingFile",
    "incomplete_tables",
    "landing_source",
    "load",
    "load_summary",
    "loaded_files",
    "pending_files",
    "pipeline",
]
