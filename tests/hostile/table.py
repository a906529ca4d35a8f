"""The table of cases, and what a run found of each."""

import pathlib
import tomllib

FOLDER = pathlib.Path(__file__).parent
NOT_HERE = "not testable here: "
WORDS = {"passed": "holds", "failed": "FAILS", "skipped": "not testable here"}


def read():
    """{name: row} in the order of the file."""
    rows = tomllib.loads((FOLDER / "cases.toml").read_text())["case"]
    by_name = {row["name"]: row for row in rows}
    assert len(by_name) == len(rows), "a name twice"
    return by_name


class Outcomes:
    def __init__(self, cases):
        self.cases = cases
        self.found = {}    # name -> set of "passed", "failed", "skipped"
        self.reasons = {}  # name -> why a part of it was not tested

    def add(self, name, report):
        if report.when != "call" and report.passed:
            return
        self.found.setdefault(name, set()).add(report.outcome)
        if report.skipped:
            reason = report.longrepr[2].removeprefix("Skipped: ").removeprefix(NOT_HERE)
            self.reasons.setdefault(name, []).append(reason)

    def of(self, name):
        found = self.found.get(name, set())
        if "failed" in found:
            return "FAILS"
        if "passed" in found:
            return "holds"
        return "not testable here" if found or "not_testable" in self.cases[name] else "not run"

    def why(self, name):
        return "; ".join(dict.fromkeys(self.reasons.get(name, []))) or self.cases[name].get("not_testable", "")

    def text(self):
        lines = [f"{self.of(name):18} {row['number']:>3}  {name:24} {row['outcome']}" for name, row in self.cases.items()]
        counts = {word: [n for n in self.cases if self.of(n) == word] for word in ("holds", "FAILS", "not testable here")}
        lines.append("")
        lines += [f"not testable here: {name}: {self.why(name)}" for name in counts["not testable here"]]
        lines += [f"holds, but not every part is testable here: {name}: {self.why(name)}"
                  for name in counts["holds"] if self.why(name)]
        lines.append(", ".join(f"{len(names)} {word}" for word, names in counts.items())
                     + f", of {len(self.cases)} cases")
        return "\n".join(lines)
