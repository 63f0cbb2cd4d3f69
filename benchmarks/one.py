"""One row, one peer, in this process: prints a line of JSON.

python -m benchmarks.one ROW PEER [--quick]
"""

from __future__ import annotations

import argparse
import json
from importlib import import_module
from typing import Any

from benchmarks.peers import PEERS, Peer
from benchmarks.processes import peak_memory
from benchmarks.row import Row, Work, measure
from benchmarks.rows import ROWS


def _work(row: Row, peer: Peer) -> Work:
    if peer.plain:
        return getattr(import_module(peer.module), row.name)()
    return row.prepare(peer.module if row.before_import else import_module(peer.module))


def result(row: Row, peer: Peer, quick: bool) -> dict[str, Any]:
    """Seconds for a piece of work, the peak memory in bytes, and numbers that must be alike for all peers."""
    seconds, check = measure(row, _work(row, peer), quick)
    return {"seconds": seconds, "memory": peak_memory(), "check": check}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.one", description=__doc__)
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--quick", action="store_true", help="one measured run")
    chosen = parser.parse_args()
    print(json.dumps(result(ROWS[chosen.row], PEERS[chosen.peer], chosen.quick)))


if __name__ == "__main__":
    main()
