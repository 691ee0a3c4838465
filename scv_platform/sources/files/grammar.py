"""The grammar of a file source in `config/sources.yml`: what may be written, before it is checked against entities."""

import codecs
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, field_validator

from scv_platform.config_files import StrictModel, did_you_mean
from scv_platform.sources.landing.rules import FieldRule, SkipRule, not_empty
from scv_platform.sources.landing.sql import time_format_problem


class Options(StrictModel):
    """How files are read. Null means: as the source says, else the default in `config.Reading`."""

    path: Annotated[str | None, Field(description="`${NAME}` is taken from the environment; wildcards.")] = None
    format: Literal["parquet", "csv", "jsonl"] | None = None
    delimiter: Annotated[str | None, Field(min_length=1, max_length=1)] = None
    encoding: str | None = None
    decimal: Annotated[Literal[".", ","] | None, Field(description="The point in numbers that are text.")] = None
    thousands: Annotated[str | None, Field(min_length=1, max_length=1)] = None
    null_values: Annotated[tuple[str, ...] | None, Field(description="Texts that mean: no value.")] = None
    date_format: Annotated[str | None, Field(description="Of dates and times that are not ISO 8601.")] = None
    timezone: Annotated[str | None, Field(description="Of times without one.")] = None
    default_country: Annotated[str | None, Field(pattern="^[A-Z]{2}$", description="Of rows without one.")] = None

    @field_validator("delimiter")
    @classmethod
    def _delimits(cls, delimiter: str | None) -> str | None:
        if delimiter is not None and delimiter in '"\r\n':
            raise ValueError("a quote or a line break cannot separate columns")
        return delimiter

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str | None) -> str | None:
        if encoding is None:
            return None
        try:
            "".encode(encoding)
        except LookupError:
            raise ValueError(f"unknown encoding {encoding!r}; for example utf-8, cp1252, latin-1, utf-16") from None
        return codecs.lookup(encoding).name

    @field_validator("date_format")
    @classmethod
    def _known_format(cls, text: str | None) -> str | None:
        if text is not None and (problem := time_format_problem(text)):
            raise ValueError(problem)
        return text

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str | None) -> str | None:
        if name is not None and name not in available_timezones():
            raise ValueError(f"unknown time zone {name!r}; {did_you_mean(name, available_timezones())}")
        return name


class EntityConfig(Options):
    """One entity that a source's files feed."""

    skip: tuple[SkipRule, ...] = ()
    fields: Annotated[dict[str, FieldRule], AfterValidator(not_empty)]


class SourceConfig(Options):
    """One source of `config/sources.yml`."""

    kind: Annotated[Literal["files"], Field(alias="from")]
    entities: Annotated[dict[str, EntityConfig], AfterValidator(not_empty)]
