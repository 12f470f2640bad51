"""A daemon that is killed while somebody writes: what was synced is there, and nothing else in its place."""
import pytest
from crash import crash_once
from transports import TRANSPORTS


@pytest.mark.parametrize('by', TRANSPORTS)
@pytest.mark.parametrize('kind', ['raw', 'mounted'])
def test_what_was_synced_survives_a_kill(keep, kind, by):
    assert crash_once(keep, kind, by, seed=f'{kind} {by} {keep.user}') > 0
