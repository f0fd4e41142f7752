"""The short form of `make failover`: the primary is lost, the standby promoted, and nothing acknowledged is missing."""

import json
from pathlib import Path

from chaos.failover import main


def test_nothing_acknowledged_is_lost_with_a_synchronous_standby(tmp_path: Path) -> None:
    assert main(["--standby=sync", "--jobs=400", "--seconds=4", f"--folder={tmp_path}"]) == 0
    (file,) = tmp_path.glob("*-failover-sync/verdict.json")
    told = json.loads(file.read_text())
    assert told["passed"]
    assert told["figures"]["jobs acknowledged"] == 400
    assert told["figures"]["strikes: primary lost"] == 1
    # Both before and after: who had all jobs before the loss would have had nothing to survive.
    assert told["figures"]["seconds from then to the first enqueue"] is not None
    assert told["figures"]["seconds from then to the first job begun"] is not None
