import uuid
from collections.abc import Callable, Iterator

import pytest

from scv_platform.settings import BigQuerySettings
from scv_platform.warehouse.bigquery import BigQueryWarehouse


@pytest.fixture(scope="session")
def on_bigquery(request: pytest.FixtureRequest) -> Iterator[Callable[[], BigQueryWarehouse]]:
    """Makes a warehouse of its own, by its prefix."""
    with pytest.MonkeyPatch.context() as patch:
        emulator = request.getfixturevalue("bigquery")
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        settings = BigQuerySettings(emulator.environment["SCV_BIGQUERY_PROJECT"], "EU", 10**9)
        yield lambda: BigQueryWarehouse(settings, f"t{uuid.uuid4().hex[:8]}_")
