from collections.abc import Callable
from pathlib import Path

import pytest

from scv_platform.settings import PROJECT_ROOT
from scv_platform.warehouse import Warehouse
from tests.conftest import Platform


@pytest.fixture(scope="session")
def online_retail(install: Callable[..., Platform], real_data: Path) -> Warehouse:
    """The warehouse of `examples/online_retail`, built by `scv run` from the real file."""
    example = PROJECT_ROOT / "examples" / "online_retail" / "config"
    platform = install(example, SCV_REAL_DATA=str(real_data), SCV_AS_OF="")
    platform.scv("run")
    return platform.warehouse
