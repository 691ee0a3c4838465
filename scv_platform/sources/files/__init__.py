"""Files without code: any parquet, csv or json lines file as rows of the canonical entities, by configuration."""

from scv_platform.sources.files.config import FileMapping, FileSource, load_sources
from scv_platform.sources.files.discover import Discovery, KnownFiles, LoadedFile, PendingFile, pending_files
from scv_platform.sources.files.ledger import LoadSummary, load_summary, loaded_files
from scv_platform.sources.files.source import files_source, load, pipeline

__all__ = [
    "Discovery",
    "FileMapping",
    "FileSource",
    "KnownFiles",
    "LoadSummary",
    "LoadedFile",
    "PendingFile",
    "files_source",
    "load",
    "load_sources",
    "load_summary",
    "loaded_files",
    "pending_files",
    "pipeline",
]
