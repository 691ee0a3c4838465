"""Settings: the only reader of the environment and of `config/platform.yml`.

Data flow: environment + `config/platform.yml` -> one frozen `Settings` -> everything else as an argument.
Invariant: nothing is read at import; `Settings.load` reads once and names the variable or the line at fault.
"""

import importlib.util
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from scv_platform.alerts import Channel, LogChannel
from scv_platform.config_files import ConfigError, StrictModel, did_you_mean, read_yaml, validate

PROJECT_ROOT = Path(__file__).resolve().parents[1]

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""A name that is safe as a column, a file and an asset: lower case, digits, underscores."""


class Privacy(StrEnum):
    """How much a column tells about one person; decides masking and what may leave."""

    NONE = "none"
    QUASI = "quasi"
    DIRECT = "direct"
    SENSITIVE = "sensitive"


class CustomFieldType(StrEnum):
    """Type of a custom field, in the words of the configuration file."""

    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"


class CustomField(StrictModel):
    """A column that a company adds to people or transactions without code."""

    entity: Annotated[str, Field(pattern="^(people|transactions)$")]
    type: CustomFieldType
    survivorship: Annotated[str, Field(pattern="^newest$")] = "newest"
    privacy: Privacy
    description: str


class PlatformConfig(StrictModel):
    """`config/platform.yml`: what is true of the whole company."""

    company: str
    base_currency: Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217 code.")]
    default_country: Annotated[str, Field(pattern="^[A-Z]{2}$", description="ISO 3166 alpha-2 code.")]
    as_of: date | None = None
    max_data_age_days: Annotated[int, Field(ge=1, description="The newest fact may be this old at as_of.")] = 3
    match_by_model: Annotated[bool, Field(description="Whether likely pairs are linked, beside those of rules.")] = True
    truth: Annotated[str | None, Field(description="Folder that knows who is who, to measure against.")] = None
    min_pair_precision: Annotated[float | None, Field(ge=0, le=1, description="A check warns below it.")] = None
    min_pair_recall: Annotated[float | None, Field(ge=0, le=1, description="A check warns below it.")] = None
    custom_fields: dict[Identifier, CustomField] = Field(default_factory=dict)
    alerts: tuple[Channel, ...] = (LogChannel(channel="log"),)

    @field_validator("custom_fields")
    @classmethod
    def _no_reserved_names(cls, fields: dict[str, CustomField]) -> dict[str, CustomField]:
        for name in sorted(fields):
            if name in RESERVED_FIELD_NAMES:
                raise ValueError(f"{name!r} is a column that the platform has already")
            if name in _SQL_WORDS:
                raise ValueError(f"{name!r} is a word of SQL; choose another name, such as {name + '_value'!r}")
        return fields


RESERVED_FIELD_NAMES = frozenset(
    "email_normalised phone_e164 given_name_normalised family_name_normalised postcode_normalised record_type"
    " given_name_folded family_name_folded birth_date_either_way address_normalised"
    " is_guest is_anonymous has_known_cost first_load_id survivorship_rank country_key order_number"
    " own_record_id order_record_id customer_id record_id source source_id email phone given_name family_name"
    " full_name birth_date gender job_title street city region postcode country language user_id anonymous_id"
    " national_id account_source_id created_at updated_at is_deleted first_seen_at last_seen_at record_count"
    " sources transaction_id order_id transaction_type person_source_id occurred_at currency gross_amount"
    " discount_amount tax_amount shipping_amount refund_amount net_amount net_amount_base cost_amount"
    " margin_amount_base status is_counted channel store_id seller_source_id seller_customer_id account_id"
    " order_source seller_record_id has_order account_record_id own_account_record_id order_account_record_id".split()
)

_SQL_WORDS = frozenset(
    "all analyse analyze and any array as asc assert_rows_modified asymmetric at between both by case cast"
    " check collate column constraint contains create cross cube current default deferrable define desc"
    " describe distinct do else end enum escape except exclude exists extract false fetch following for foreign"
    " from full group grouping groups hash having if ignore in initially inner intersect interval into is join"
    " lambda lateral leading left like limit lookup merge natural new no not null nulls of offset on only or"
    " order outer over partition pivot placing preceding primary proto qualify range recursive references"
    " respect returning right rollup rows select set show some struct summarize symmetric table tablesample"
    " then to trailing treat true unbounded union unique unnest unpivot using variadic when where window with"
    " within".split()
)
"""Reserved in DuckDB or BigQuery: a column of such a name would have to be quoted wherever it is read."""


@dataclass(frozen=True)
class BigQuerySettings:
    """The project that stores the tables, and what a query may cost."""

    project: str
    location: str
    max_bytes_billed: int
    """Of one query: BigQuery refuses, before it runs, one that would cost more."""


@dataclass(frozen=True)
class Settings:
    """Where the platform runs and on what; one per process, passed to everything that needs it."""

    warehouse: str
    duckdb_path: Path
    landing: Path
    config: Path
    as_of: date | None
    dataset_prefix: str
    """Before the name of every dataset of BigQuery; schemas of DuckDB have bare names."""
    platform: PlatformConfig
    environment: Mapping[str, str] = field(repr=False)
    root: Path = PROJECT_ROOT
    bigquery: BigQuerySettings | None = None
    """Set where the warehouse is BigQuery."""

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None, root: Path = PROJECT_ROOT) -> "Settings":
        """Settings from the environment and the config folder; `ConfigError` says which value is wrong."""
        env = dict(os.environ if environment is None else environment)

        def path(name: str, default: str) -> Path:
            return (root / Path(env.get(name) or default).expanduser()).resolve()

        warehouse = env.get("SCV_WAREHOUSE") or "duckdb"
        if warehouse not in _WAREHOUSES:
            hint = did_you_mean(warehouse, _WAREHOUSES)
            raise ConfigError([f"SCV_WAREHOUSE={warehouse!r}: unknown warehouse; {hint}"])
        config = path("SCV_CONFIG", "config")
        return cls(
            warehouse=warehouse,
            duckdb_path=path("SCV_DUCKDB_PATH", "data/scv.duckdb"),
            landing=path("SCV_LANDING", "data/landing"),
            config=config,
            as_of=_parse_as_of(env.get("SCV_AS_OF")),
            dataset_prefix=_dataset_prefix(env) if warehouse == "bigquery" else "",
            platform=validate(PlatformConfig, read_yaml(config / "platform.yml")),
            environment=env,
            root=root,
            bigquery=_bigquery(env) if warehouse == "bigquery" else None,
        )

    def beside_warehouse(self, suffix: str) -> Path:
        """A file or folder of local state that belongs to this warehouse, so that two warehouses never share it."""
        if self.bigquery is None:
            return self.duckdb_path.with_suffix(suffix)
        return self.duckdb_path.with_name(f"bigquery-{self.bigquery.project}-{self.dataset_prefix}{suffix}")

    @property
    def place(self) -> str:
        """Where the warehouse is, for people."""
        if self.bigquery is None:
            return str(self.duckdb_path)
        return f"BigQuery project {self.bigquery.project}, datasets {self.dataset_prefix}*"

    @property
    def dlt_folder(self) -> Path:
        """dlt's working folder."""
        return self.beside_warehouse(".dlt")

    @property
    def dbt_project(self) -> Path:
        """The dbt project."""
        return self.root / "scv_dbt"

    @property
    def dbt_target(self) -> Path:
        """The manifest of the dbt project, which differs between engines."""
        target = self.dbt_project / "target"
        return target if self.bigquery is None else target / self.warehouse

    def resolve_as_of(self, run_started_at: datetime) -> date:
        """The day, inclusive, that bounds metrics, scores, segments and audiences of a run.

        The environment wins over `platform.yml`; without either it is the UTC day on which the run
        started, so that every step of one run sees the same day.
        """
        return self.as_of or self.platform.as_of or run_started_at.astimezone(UTC).date()

    def substitute(self, text: str) -> str:
        """Text of a configuration file, with each `${NAME}` replaced from the environment."""

        def value(match: re.Match[str]) -> str:
            name = match.group(1)
            known = {"SCV_LANDING": str(self.landing), "SCV_CONFIG": str(self.config), **self.environment}
            if not known.get(name):
                raise ConfigError([f"{text}: environment variable {name} is not set"])
            return known[name]

        return re.sub(r"\$\{(\w+)\}", value, text)

    def expand(self, text: str) -> Path:
        """A path of a configuration file, `${NAME}` replaced, relative to the project root."""
        return self.root / Path(self.substitute(text)).expanduser()


_WAREHOUSES = ("duckdb", "bigquery")
_BIGQUERY_LOCATION = "EU"
_BIGQUERY_MAX_BYTES_BILLED = 100 * 10**9


def _bigquery(env: Mapping[str, str]) -> BigQuerySettings:
    if importlib.util.find_spec("dbt.adapters.bigquery") is None:
        raise ConfigError(
            ["SCV_WAREHOUSE='bigquery' needs packages that are not installed: pip install -e '.[bigquery]'"]
        )
    project = env.get("SCV_BIGQUERY_PROJECT") or env.get("GOOGLE_CLOUD_PROJECT")
    if not project:
        raise ConfigError(["SCV_WAREHOUSE='bigquery' needs the project: set SCV_BIGQUERY_PROJECT"])
    limit = env.get("SCV_BIGQUERY_MAX_BYTES_BILLED") or str(_BIGQUERY_MAX_BYTES_BILLED)
    if not re.fullmatch("[1-9][0-9]*", limit):
        raise ConfigError([f"SCV_BIGQUERY_MAX_BYTES_BILLED={limit!r}: not a number of bytes, such as 100000000000"])
    return BigQuerySettings(project, env.get("SCV_BIGQUERY_LOCATION") or _BIGQUERY_LOCATION, int(limit))


def _dataset_prefix(env: Mapping[str, str]) -> str:
    prefix = env.get("SCV_DATASET_PREFIX") or ""
    # dlt makes one underscore of two, and lower case of upper case; dbt does not.
    if prefix and not re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*_?", prefix):
        raise ConfigError(
            [f"SCV_DATASET_PREFIX={prefix!r}: use lower case, digits and single underscores, such as 'dev_'"]
        )
    return prefix


def _parse_as_of(text: str | None) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError([f"SCV_AS_OF={text!r}: not a day; write it as YYYY-MM-DD"]) from None
