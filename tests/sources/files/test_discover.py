import json
import os

import pytest

from scv_platform.sources.landing import pending_files

SHOP = """
shop:
  from: files
  path: "${SCV_LANDING}/*.csv"
  format: csv
  entities:
    people: {fields: {source_id: id}}
    products: {path: "${SCV_LANDING}/products/*.csv", fields: {product_id: id}}
"""


@pytest.fixture
def shop(project):
    project.configure(SHOP)
    (project.landing / "products").mkdir()
    return project


def find(project, loaded=frozenset(), known=None):
    return pending_files(project.settings, project.dataset, loaded, known)


def names(found) -> list[tuple[str, str]]:
    return [(file.mapping.entity.name, file.path.name) for file in found.pending]


def test_files_that_match_are_pending_until_they_are_loaded(shop):
    shop.write("b.csv", "id\n1\n")
    shop.write("a.csv", "id\n2\n")
    shop.write("products/p.csv", "id\n1\n")
    found = find(shop)
    assert names(found) == [("people", "a.csv"), ("people", "b.csv"), ("products", "p.csv")]
    assert found.tables == {"people", "products"}
    assert [file.name for file in found.pending] == ["landing/a.csv", "landing/b.csv", "landing/products/p.csv"]
    loaded = frozenset(file.key for file in found.pending[:2])
    assert names(find(shop, loaded)) == [("products", "p.csv")]


def test_a_file_is_known_by_its_content(shop):
    path = shop.write("a.csv", "id\n1\n")
    loaded = frozenset(file.key for file in find(shop).pending)
    os.utime(path, (1, 1))
    assert names(find(shop, loaded)) == []
    path.rename(path.with_name("renamed.csv"))
    assert names(find(shop, loaded)) == []
    shop.write("renamed.csv", "id\n1\n2\n")
    assert names(find(shop, loaded)) == [("people", "renamed.csv")]


def test_the_same_content_under_two_names_is_pending_once(shop):
    shop.write("a.csv", "id\n1\n")
    shop.write("b.csv", "id\n1\n")
    assert names(find(shop)) == [("people", "a.csv")]


def test_a_changed_mapping_makes_its_files_pending_again(shop):
    shop.write("a.csv", "id\n1\n")
    shop.write("products/p.csv", "id\n1\n")
    loaded = frozenset(file.key for file in find(shop).pending)
    shop.configure(SHOP.replace("source_id: id", "source_id: id, email: mail"))
    assert names(find(shop, loaded)) == [("people", "a.csv")]


def test_unfinished_files_and_folders_are_left_alone(shop):
    for name in ("a.csv.tmp", "b.csv.part", "c.csv"):
        shop.write(name, "id\n1\n")
    shop.configure(SHOP.replace("*.csv", "*"))
    assert names(find(shop)) == [("people", "c.csv")]


def test_a_pattern_that_matches_nothing_is_told_and_a_path_that_leads_nowhere_is_a_mistake(shop):
    shop.configure(SHOP.replace("products/*.csv", "products.csv"))
    found = find(shop)
    assert (found.pending, len(found.unmatched), len(found.missing)) == ((), 1, 1)
    place = shop.folder / "sources.yml"
    assert found.unmatched[0] == f"{place}:4: {shop.landing}/*.csv: nothing matches"
    assert found.missing[0] == f"{place}:8: {shop.landing}/products.csv: missing file"


def test_what_is_known_of_a_file_spares_reading_it_until_its_size_or_its_time_changes(shop):
    path = shop.write("a.csv", "id\n1\n")
    found = find(shop)
    known = json.loads(json.dumps(found.known))
    known[str(path)][2] = "remembered"
    assert find(shop, known=known).pending[0].content_hash == "remembered"
    os.utime(path, (1, 1))
    assert find(shop, known=known).pending[0].content_hash == found.pending[0].content_hash


def test_what_is_known_of_files_that_are_gone_is_forgotten(shop):
    path = shop.write("a.csv", "id\n1\n")
    known = find(shop).known
    assert list(known) == [str(path)]
    path.unlink()
    assert find(shop, known=known).known == {}


def test_a_file_that_is_being_written_to_is_not_the_one_that_was_found(shop):
    path = shop.write("a.csv", "id\n1\n")
    (file,) = find(shop).pending
    assert file.is_unchanged()
    with path.open("a") as more:
        more.write("2\n")
    assert not file.is_unchanged()
    path.unlink()
    assert not file.is_unchanged()


def test_the_environment_and_the_folder_of_the_project_are_in_a_path(shop):
    shop.configure(SHOP.replace('"${SCV_LANDING}/*.csv"', "inbox/*.csv"))
    (shop.folder / "inbox").mkdir()
    (shop.folder / "inbox" / "a.csv").write_text("id\n1\n")
    assert names(find(shop)) == [("people", "a.csv")]
