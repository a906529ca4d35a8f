"""The table and the tests say the same."""

import re

import table


def test_every_case_has_a_test_and_every_test_a_case():
    cases = table.read()
    named, without = set(), []
    for path in sorted(table.FOLDER.glob("test_*.py")):
        for decorators, test in re.findall(r"((?:^@pytest.*\n(?:^[^@d\n].*\n)*)*)^def (test_\w+)", path.read_text(), re.M):
            marks = re.findall(r'mark\.case\(([^)]*)\)', decorators)
            named |= {name for mark in marks for name in re.findall(r'"([^"]+)"', mark)}
            if not marks and path.name != "test_table.py":
                without.append(test)
    assert without == [], "tests without a case"
    assert named - set(cases) == set(), "cases that the table does not have"
    assert {n for n, row in cases.items() if "not_testable" not in row} - named == set(), "rows without a test"


def test_every_row_is_whole_and_its_program_is_there():
    for name, row in table.read().items():
        assert set(row) - {"not_testable"} == {"number", "name", "program", "outcome", "proves"}, name
        for program in row["program"].split():
            assert (table.FOLDER / program).exists(), f"{name}: {program}"


def test_every_program_is_in_the_table():
    used = {program for row in table.read().values() for program in row["program"].split()}
    assert {f"programs/{p.name}" for p in (table.FOLDER / "programs").glob("*") if p.suffix != ".h"} - used == set()
