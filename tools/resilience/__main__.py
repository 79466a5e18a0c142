"""The promises under fire: python -m tools.resilience [--short] [NAME …], at most 15 minutes.

Starts the command of the Procfile again and again, on SQLite and on PostgreSQL, and does to it what
the open net does. Talks to this machine only. Ends with 1 where a promise did not hold.
"""

import sys
from argparse import ArgumentParser

from tools.postgres import postgres
from tools.resilience.storage import full, gone, kills, locked
from tools.resilience.target import Row
from tools.resilience.traffic import (
    bombs,
    deaf_clients,
    limits,
    overload,
    slow_clients,
    soak,
    stopping,
)

TRIALS = (
    bombs,
    kills,
    locked,
    full,
    gone,
    overload,
    stopping,
    slow_clients,
    deaf_clients,
    limits,
    soak,
)


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="less of each, for a look")
    parser.add_argument("names", nargs="*", help=", ".join(trial.__name__ for trial in TRIALS))
    options = parser.parse_args()
    chosen = [trial for trial in TRIALS if not options.names or trial.__name__ in options.names]
    rows = []
    with postgres() as url:
        for name, database in (("SQLite", None), ("PostgreSQL", url)):
            for trial in chosen:
                for row in trial(database, short=options.short):
                    rows.append((name, row))
                    print(line(name, row), flush=True)
    print("\n".join(["", *(line(name, row) for name, row in rows)]))
    return 0 if all(row.holds for _, row in rows) else 1


def line(database: str, row: Row) -> str:
    holds = "holds" if row.holds else "FAILS"
    return f"| {holds} | {database:10} | {row.promise:20} | {row.tried:34} | {row.reached}"


if __name__ == "__main__":
    sys.exit(main())
