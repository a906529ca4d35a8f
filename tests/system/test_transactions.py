"""Transactions of ten items from concurrent clients over few items, by a Go program with AWS's SDK (tests/transactions), which
keeps every answer and looks for an order of all requests that explains them: strict serializability, over the full history."""

import concurrent.futures
import json
import os
import subprocess

import pytest
from lambent import build_go, go

TRANSACTIONS = int(os.environ.get("TRANSACTIONS", "1000000"))
BANKS = 4


@pytest.fixture(scope="module")
def bank():
    return build_go("transactions")


def run(server, bank, transactions, *flags):
    settings = {"PATH": os.environ["PATH"], **server.settings()}
    done = subprocess.run([bank, "-transactions", str(transactions), *flags], env=settings, stdout=subprocess.PIPE, text=True)
    print(done.stdout)
    assert done.returncode in (0, 1), "the clients did not get through"
    counts = json.loads(done.stdout)
    assert not counts["wrong"], counts
    assert counts["committed"] + counts["refused"] + counts["conflicts"] == transactions
    # Enough of each kind for the run to say something.
    assert counts["committed"] > transactions / 20 and counts["refused"] > transactions / 20, counts
    assert counts["reads"] > transactions / 10 and counts["replays"] and counts["mismatches"], counts


def test_the_check_of_histories_finds_planted_faults():
    go("transactions", "test", "./...")


def test_conflicting_transactions_are_strictly_serializable(server, bank):
    run(server, bank, 5000)


@pytest.mark.soak
def test_a_million_conflicting_transactions_are_strictly_serializable(new_server, bank):
    """TRANSACTIONS: how many (a million by default). Several programs, each with its own accounts: the more clients have
    the same ones, the fewer of their transactions come through."""
    server = new_server().start()
    server.settings()
    with concurrent.futures.ThreadPoolExecutor(BANKS) as pool:
        for done in [pool.submit(run, server, bank, TRANSACTIONS // BANKS, "-clients", "16") for _ in range(BANKS)]:
            done.result()
