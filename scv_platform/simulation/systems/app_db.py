"""The database of the application: users, sign-ins and sellers, in SQLite.

The file is written whole each time, with nothing in it that depends on when: equal worlds, equal bytes.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb

FILE = "app_db/app.sqlite"
"""Where the database lies below the output folder."""

_SCHEMA = """
    create table users (
        user_id text not null primary key, email text, phone text, first_name text, last_name text, birth_date date,
        gender text, street text, city text, postcode text, country text, language text, shop_customer_id text,
        is_deleted boolean not null, created_at timestamp not null, updated_at timestamp not null
    );
    create table sign_ins (
        sign_in_id text not null primary key, user_id text not null, anonymous_id text, signed_in_at timestamp not null
    );
    create table sellers (
        seller_id text not null primary key, user_id text not null, store_name text, vat_id text, status text,
        started_at timestamp not null, updated_at timestamp not null
    );
    create index users_updated_at on users (updated_at);
    create index sign_ins_signed_in_at on sign_ins (signed_in_at);
    create index sellers_updated_at on sellers (updated_at);
"""

_BATCH = 50_000


def selects() -> dict[str, str]:
    """The rows of each table, of the day."""
    moment = "strftime({}, '%Y-%m-%d %H:%M:%S')"
    users = f"""
        select
            faces.source_id, faces.email, faces.phone, faces.given_name, faces.family_name,
            cast(faces.birth_date as varchar), case faces.gender when 'f' then 'female' else 'male' end, faces.street,
            faces.city, faces.postcode, faces.country,
            case faces.country when 'DE' then 'de' when 'FR' then 'fr' else 'en' end,
            faces.shop_ref,
            cast(happened(faces.deleted_at) as integer),
            {moment.format("faces.created_at")}, {moment.format("faces.updated_at")}
        from faces
        where faces.kind = 'user'
        order by faces.created_at, faces.source_id
    """
    sign_ins = f"""
        select 'i' || (1 + sign_in_no), faces.source_id, case when device_no >= 0 then device_id(device_no) end,
            {moment.format("signed_in_at")}
        from sign_ins
        join faces on faces.person_id = sign_ins.person_id and faces.kind = 'user' and faces.copy = 0
        where signed_in_at < horizon()
        order by sign_in_no
    """
    sellers = f"""
        select
            's' || (5001 + people.person_id), faces.source_id, family_name || ' & Co', country || (810000000 + number),
            case when extra < 0.9 then 'active' when extra < 0.97 then 'paused' else 'closed' end,
            {moment.format("faces.created_at")}, {moment.format("faces.created_at")}
        from faces
        join (select person_id from people where is_seller) as people using (person_id)
        where kind = 'user' and copy = 0
        order by faces.created_at, faces.source_id
    """
    return {"users": users, "sign_ins": sign_ins, "sellers": sellers}


def write(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, int]:
    """Write the database under a temporary name, then move it; returns the rows of each table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".tmp")
    partial.unlink(missing_ok=True)
    counts = {}
    with closing(sqlite3.connect(partial, isolation_level=None)) as database:
        database.execute("pragma page_size = 4096")
        database.execute("pragma journal_mode = off")
        database.execute("pragma synchronous = off")
        database.executescript(_SCHEMA)
        for table, select in selects().items():
            rows = connection.execute(select)
            columns = ", ".join("?" * len(rows.description))
            database.execute("begin")
            counts[table] = 0
            while batch := rows.fetchmany(_BATCH):
                database.executemany(f"insert into {table} values ({columns})", batch)
                counts[table] += len(batch)
            database.execute("commit")
    partial.replace(path)
    return counts
