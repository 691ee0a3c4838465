import pytest

from tests.ingestion.run_history import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time that sensors read."""
    clock = Clock()
    monkeypatch.setattr("scv_platform.ingestion.sensors.time.time", lambda: clock.now)
    return clock
