"""A column of a file as SQL: its canonical text, and its value as any type of a canonical column.

Canonical text is trimmed, is no value when it is empty or one of the null values, and has no `.0` for a whole number
that was stored as a float. A value that is there and cannot become the type becomes null, never an error: who asks
compares with `is_given`.
"""

import re
from dataclasses import dataclass

from scv_platform.sources.entities import ColumnType
from scv_platform.sources.landing import sql
from scv_platform.sources.landing.mapping import Reading

STORED_AS = {
    ColumnType.TEXT: "varchar",
    ColumnType.DECIMAL: "decimal(38, 9)",
    ColumnType.BIGINT: "bigint",
    ColumnType.BOOL: "boolean",
    ColumnType.DATE: "date",
    ColumnType.TIMESTAMP: "timestamptz",
    ColumnType.JSON: "varchar",
}
"""DuckDB type of each column type, as it is written to parquet."""

_WHITESPACE = " \t\n\r\u00a0"
_ISO_DATE = r"\d{4}-\d{2}-\d{2}"
_ISO_TIME = r"[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?"
_ISO_ZONE = r" ?(Z|UTC|[+-]\d{2}(:?\d{2})?)"
_WHOLE = frozenset("TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT".split())
_FLOAT = frozenset({"FLOAT", "DOUBLE"})
_NAIVE = frozenset({"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"})
_ZONED = "TIMESTAMP WITH TIME ZONE"


@dataclass(frozen=True)
class FileColumn:
    """The column of a file that a select has as `_c<position>`, and its canonical text as `_t<position>`."""

    position: int
    kind: str
    """DuckDB type; nested values are JSON."""
    reading: Reading

    @property
    def stored(self) -> str:
        """The value as the file has it."""
        return f"_c{self.position}"

    @property
    def text(self) -> str:
        """The name of the canonical text."""
        return f"_t{self.position}"

    @property
    def is_given(self) -> str:
        """Whether there is a value; that of a number or a time shows without its text, which costs more to make."""
        return f"{self.text if self._is_told_by_text else self.stored} is not null"

    @property
    def _is_told_by_text(self) -> bool:
        is_typed = self._is_number or self.kind in _NAIVE | {_ZONED, "DATE", "BOOLEAN"}
        return bool(self.reading.null_values) or not is_typed

    @property
    def _is_number(self) -> bool:
        return self.kind in _WHOLE | _FLOAT or self.kind.startswith("DECIMAL")

    def canonical_text(self) -> str:
        """The canonical text, made from what is stored."""
        stored = self.stored
        if self.kind == "VARCHAR":
            text = _trimmed(stored)
        elif self.kind in _FLOAT:
            is_whole = f"{stored} = trunc({stored}) and abs({stored}) < 1e18"
            whole = f"cast(try_cast({stored} as bigint) as varchar)"
            text = f"case when {is_whole} then {whole} else cast({stored} as varchar) end"
        elif self.kind == "JSON":
            text = f"({stored} ->> '$')"
            float_text = f"regexp_replace({text}, '\\.0$', '')"
            text = f"case when json_type({stored}) = 'DOUBLE' then {float_text} else {_trimmed(text)} end"
        elif self.kind.startswith("DECIMAL") and not self.kind.endswith(",0)"):
            text = f"rtrim(rtrim(cast({stored} as varchar), '0'), '.')"
        else:
            text = f"cast({stored} as varchar)"
            text = _trimmed(text) if self._is_told_by_text else text
        if self.reading.null_values:
            return f"case when {text} not in ({sql.strings(self.reading.null_values)}) then {text} end"
        return text

    def value(self, kind: ColumnType, time_format: str | None = None) -> str:
        """The column as that type; null where there is no value, or one that is not of the type."""
        match kind:
            case ColumnType.TEXT:
                return self._plain_text()
            case ColumnType.DECIMAL:
                return self.number()
            case ColumnType.BIGINT:
                number = self.number()
                return f"case when {number} = trunc({number}) then try_cast({number} as bigint) end"
            case ColumnType.BOOL:
                return self.boolean()
            case ColumnType.DATE:
                return self._day(time_format)
            case ColumnType.TIMESTAMP:
                return self._moment(time_format)
            case ColumnType.JSON:
                return self._json()

    def can_fail(self, kind: ColumnType) -> bool:
        """Whether a value may be there that is not of the type."""
        return kind is not ColumnType.TEXT or self.kind in _FLOAT | {"VARCHAR", "JSON"}

    def _plain_text(self) -> str:
        """Text without NUL bytes, or a finite number."""
        is_plain = f"not contains({self.text}, chr(0))"
        if self.kind in _FLOAT:
            is_plain = f"isfinite({self.stored})"
        elif self.kind == "JSON":
            is_float = f"json_type({self.stored}) = 'DOUBLE'"
            is_plain = f"case when {is_float} then isfinite(try_cast({self.text} as double)) else {is_plain} end"
        elif self.kind != "VARCHAR":
            return self.text
        return f"case when {is_plain} then {self.text} end"

    def number(self) -> str:
        """A decimal, by the separators of the file where it is text."""
        if self.kind in _FLOAT:
            direct = f"try_cast({self.stored} as decimal(38, 9))"
            by_text = f"try_cast(cast({self.stored} as varchar) as decimal(38, 9))"
            # A double below a million has nine exact digits after the point; of others only the shortest text is exact.
            is_exact = f"abs({self.stored}) < 1e6" if self.kind == "DOUBLE" else "false"
            return self._unless_null(f"case when {is_exact} then {direct} else {by_text} end")
        if self._is_number:
            return self._unless_null(f"try_cast({self.stored} as decimal(38, 9))")
        point, separator = re.escape(self.reading.decimal), re.escape(self.reading.thousands or "")
        pattern = rf"[+-]?(\d+({point}\d*)?|{point}\d+)([eE][+-]?\d+)?"
        digits = self.text
        if self.reading.thousands:
            pattern = rf"{pattern}|[+-]?\d{{1,3}}({separator}\d{{3}})+({point}\d*)?"
            digits = f"replace({digits}, {sql.text(self.reading.thousands)}, '')"
        if self.reading.decimal != ".":
            digits = f"replace({digits}, {sql.text(self.reading.decimal)}, '.')"
        is_number = f"regexp_full_match({self.text}, {sql.text(pattern)})"
        number = f"case when {is_number} then try_cast({digits} as decimal(38, 9)) end"
        if self.kind == "JSON":
            is_text = f"json_type({self.stored}) = 'VARCHAR'"
            return f"case when {is_text} then {number} else try_cast({self.text} as decimal(38, 9)) end"
        return number

    def boolean(self) -> str:
        """True or false, in the words and digits that files use."""
        word = f"lower({self.text})"
        return (
            f"case when {word} in ('true', 't', 'yes', 'y', '1') then true"
            f" when {word} in ('false', 'f', 'no', 'n', '0') then false end"
        )

    def _json(self) -> str:
        """JSON, as text."""
        if self.kind == "JSON":
            return self._unless_null(f"cast({self.stored} as varchar)")
        return f"case when try_cast({self.text} as json) is not null then {self.text} end"

    def _day(self, time_format: str | None) -> str:
        """A date: of a moment, the day in the time zone of the source."""
        if self.kind == "DATE" or self.kind in _NAIVE:
            return self._unless_null(f"cast({self.stored} as date)")
        if self.kind == _ZONED:
            return self._unless_null(f"cast({_in_zone(self.stored, 'timestamptz', self.reading.timezone)} as date)")
        if time_format:
            return f"cast(try_strptime({self.text}, {sql.text(time_format)}) as date)"
        is_iso = f"regexp_full_match({self.text}, {sql.text(f'{_ISO_DATE}({_ISO_TIME}({_ISO_ZONE})?)?')})"
        written = f"case when {is_iso} then try_cast(left({self.text}, 10) as date) end"
        if self.reading.date_format:
            return f"coalesce({self._day(self.reading.date_format)}, {written})"
        return written

    def _moment(self, time_format: str | None) -> str:
        """A timestamp in UTC; without a zone of its own it is in that of the source."""
        if self.kind == _ZONED:
            return self._unless_null(self.stored)
        if self.kind == "DATE" or self.kind in _NAIVE:
            naive = self.stored if self.kind == "TIMESTAMP" else f"try_cast({self.stored} as timestamp)"
            return self._unless_null(_in_zone(naive, "timestamp", self.reading.timezone))
        if time_format:
            parsed = f"try_strptime({self.text}, {sql.text(time_format)})"
            has_zone = "%z" in time_format or "%Z" in time_format
            return parsed if has_zone else f"timezone({sql.text(self.reading.timezone)}, {parsed})"
        written = moment_of_iso_text(self.text, self.reading.timezone)
        if self.reading.date_format:
            return f"coalesce({self._moment(self.reading.date_format)}, {written})"
        return written

    def _unless_null(self, value: str) -> str:
        """The value, unless it is one of the null values."""
        return f"case when {self.is_given} then {value} end" if self._is_told_by_text else value


def moment_of_iso_text(text: str, timezone: str) -> str:
    """ISO 8601 text, with or without a time and a zone, as a timestamp."""
    naive, zoned = f"{_ISO_DATE}({_ISO_TIME})?", f"{_ISO_DATE}{_ISO_TIME}{_ISO_ZONE}"
    return (
        f"case when regexp_full_match({text}, {sql.text(naive)})"
        f" then timezone({sql.text(timezone)}, try_cast({text} as timestamp))"
        f" when regexp_full_match({text}, {sql.text(zoned)}) then try_cast({text} as timestamptz) end"
    )


def _in_zone(moment: str, kind: str, timezone: str) -> str:
    """A stored moment from or to local time; null where the engine would refuse to convert it."""
    is_convertible = f"{moment} between {kind} '1000-01-01' and {kind} '9999-12-31'"
    return f"case when {is_convertible} then timezone({sql.text(timezone)}, {moment}) end"


def _trimmed(text: str) -> str:
    # Trimming costs more than all the rest of a text column; the few texts that need it are known by their ends.
    white = sql.text(_WHITESPACE)
    needs_it = f"{text} < '!' or starts_with({text}, '\u00a0') or contains({white}, right({text}, 1))"
    return f"case when {needs_it} then nullif(trim({text}, {white}), '') else {text} end"
