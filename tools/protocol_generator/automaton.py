"""A parsed expression as a minimal deterministic automaton that matches whole texts.

Built by derivatives (Brzozowski): the states are expressions, and intersection and complement are expressions too, so
look-ahead and look-behind become part of the automaton instead of backtracking: a match is one table look-up a
character, whatever the text.
"""

from dataclasses import dataclass

import charset
import regex
from regex import PatternError

MAX_STATES = 20_000  # before minimising; a model's pattern that needs more fails the build


class Pool:
    """Expressions, each built once, so that equal ones are the same object (compared by number)."""

    def __init__(self):
        self.nodes: dict[tuple, int] = {}
        self.by_id: list[tuple] = []
        self.null: list[bool] = []
        self.never = self._make(("never",), False)
        self.empty = self._make(("empty",), True)
        self.any = self._make(("not", self.never), True)

    def _make(self, node: tuple, nullable: bool) -> int:
        if node not in self.nodes:
            self.nodes[node] = len(self.by_id)
            self.by_id.append(node)
            self.null.append(nullable)
        return self.nodes[node]

    def chars(self, index: int) -> int:
        return self._make(("chars", index), False)

    def cat(self, a: int, b: int) -> int:
        if self.never in (a, b):
            return self.never
        if a == self.empty:
            return b
        if b == self.empty:
            return a
        if self.by_id[a][0] == "cat":  # lean to the right: (x y) z = x (y z)
            _, x, y = self.by_id[a]
            return self.cat(x, self.cat(y, b))
        return self._make(("cat", a, b), self.null[a] and self.null[b])

    def either(self, parts) -> int:
        flat: set[int] = set()
        for part in parts:
            flat |= set(self.by_id[part][1]) if self.by_id[part][0] == "or" else {part}
        flat.discard(self.never)
        if self.any in flat:
            return self.any
        if len(flat) <= 1:
            return flat.pop() if flat else self.never
        return self._make(("or", tuple(sorted(flat))), any(self.null[p] for p in flat))

    def both(self, parts) -> int:
        flat: set[int] = set()
        for part in parts:
            flat |= set(self.by_id[part][1]) if self.by_id[part][0] == "and" else {part}
        flat.discard(self.any)
        if self.never in flat:
            return self.never
        if len(flat) <= 1:
            return flat.pop() if flat else self.any
        return self._make(("and", tuple(sorted(flat))), all(self.null[p] for p in flat))

    def negate(self, a: int) -> int:
        return self.by_id[a][1] if self.by_id[a][0] == "not" else self._make(("not", a), not self.null[a])

    def repeat(self, a: int, low: int, high: int | None) -> int:
        if high == 0 or a == self.empty:
            return self.empty
        if a == self.never:
            return self.empty if low == 0 else self.never
        if self.null[a]:
            low = 0
        if (low, high) == (1, 1):
            return a
        return self._make(("rep", a, low, high), low == 0)


class Builder:
    """From the syntax tree to a Pool expression, then to states."""

    def __init__(self, tree):
        self.pool = Pool()
        self.derivatives: dict[tuple[int, int], int] = {}
        self.classes = partition(collect(tree))
        self.root = self.language(tree, self.pool.empty, True)

    def plain(self, tree) -> int:
        """An expression without assertions."""
        pool, kind = self.pool, tree[0]
        if kind == "chars":
            wanted = [i for i, low in enumerate(self.classes.starts) if charset.contains(tree[1], low)]
            return pool.either([pool.chars(g) for g in sorted({self.classes.groups[i] for i in wanted})])
        if kind == "cat":
            result = pool.empty
            for item in reversed(tree[1]):
                result = pool.cat(self.plain(item), result)
            return result
        if kind == "alt":
            return pool.either([self.plain(item) for item in tree[1]])
        if kind == "rep":
            return pool.repeat(self.plain(tree[1]), tree[2], tree[3])
        raise PatternError(f"assertion {kind} where it cannot be translated")

    def language(self, tree, rest: int, at_start: bool) -> int:
        """All texts that `tree` followed by `rest` matches, up to the end of the whole text."""
        pool, kind = self.pool, tree[0]
        if not has_assertion(tree):
            return pool.cat(self.plain(tree), rest)
        if kind == "start":
            if not at_start:
                raise PatternError("'^' inside the expression")
            return rest
        if kind == "end":
            return pool.empty if pool.null[rest] else pool.never
        if kind == "ahead":
            inside = self.language(tree[2], pool.any, at_start)
            return pool.both([rest, pool.negate(inside) if tree[1] else inside])
        if kind == "alt":
            return pool.either([self.language(item, rest, at_start) for item in tree[1]])
        if kind == "rep" and (tree[2], tree[3]) == (0, 1):
            return pool.either([rest, self.language(tree[1], rest, at_start)])
        if kind == "cat":
            return self.sequence(tree[1], rest, at_start)
        raise PatternError(f"assertion inside {kind}")

    def sequence(self, items, rest: int, at_start: bool) -> int:
        pool = self.pool
        behind = next((i for i, item in enumerate(items) if item[0] == "behind"), None)
        if behind is not None:
            if not at_start:
                raise PatternError("look-behind after a part of unknown start")
            before = self.plain(("cat", items[:behind]))
            inside = pool.cat(pool.any, self.plain(items[behind][2]))
            before = pool.both([before, pool.negate(inside) if items[behind][1] else inside])
            return pool.cat(before, self.sequence(items[behind + 1:], rest, False))
        starts = [at_start]
        for item in items:
            starts.append(starts[-1] and zero_width(item))
        for item, start in reversed(list(zip(items, starts))):
            rest = self.language(item, rest, start)
        return rest

    def derive(self, node: int, char: int) -> int:
        """What must follow after one character of class `char`."""
        key = (node, char)
        if key not in self.derivatives:
            self.derivatives[key] = self._derive(node, char)
        return self.derivatives[key]

    def _derive(self, node: int, char: int) -> int:
        pool = self.pool
        expression = pool.by_id[node]
        kind = expression[0]
        if kind in ("never", "empty"):
            return pool.never
        if kind == "chars":
            return pool.empty if expression[1] == char else pool.never
        if kind == "cat":
            first = pool.cat(self.derive(expression[1], char), expression[2])
            return pool.either([first, self.derive(expression[2], char)]) if pool.null[expression[1]] else first
        if kind == "or":
            return pool.either([self.derive(part, char) for part in expression[1]])
        if kind == "and":
            return pool.both([self.derive(part, char) for part in expression[1]])
        if kind == "not":
            return pool.negate(self.derive(expression[1], char))
        _, inner, low, high = expression
        following = pool.repeat(inner, max(low - 1, 0), None if high is None else high - 1)
        return pool.cat(self.derive(inner, char), following)


def collect(tree) -> set:
    """Every character set in the tree."""
    if tree[0] == "chars":
        return {tree[1]}
    parts = tree[1] if tree[0] in ("cat", "alt") else [p for p in tree[1:] if isinstance(p, tuple)]
    return set().union(*[collect(p) for p in parts]) if parts else set()


def has_assertion(tree) -> bool:
    if tree[0] in ("start", "end", "ahead", "behind"):
        return True
    if tree[0] == "chars":
        return False
    return any(has_assertion(p) for p in (tree[1] if tree[0] in ("cat", "alt") else [tree[1]]))


def zero_width(tree) -> bool:
    if tree[0] in ("start", "ahead", "behind"):
        return True
    return tree[0] in ("cat", "alt") and all(zero_width(item) for item in tree[1])


@dataclass
class Classes:
    """Code points that no set of the expression tells apart share a group."""
    starts: list[int]  # first code point of each range, ascending, beginning with 0
    groups: list[int]  # group of each range
    count: int


def partition(sets) -> Classes:
    bounds = sorted({0} | {p for s in sets for low, high in s for p in (low, high + 1) if p <= charset.LAST})
    ordered = sorted(sets)
    signatures: dict[tuple, int] = {}
    starts, groups = [], []
    for low in bounds:
        signature = tuple(charset.contains(s, low) for s in ordered)
        group = signatures.setdefault(signature, len(signatures))
        if not groups or groups[-1] != group:
            starts.append(low)
            groups.append(group)
    return Classes(starts, groups, len(signatures))


@dataclass
class Automaton:
    """State 0 is the dead state, `start` the first; table[state][group] is the next state."""
    classes: Classes
    table: list[list[int]]
    accepting: list[bool]
    start: int

    def matches(self, text: str) -> bool:
        state = self.start
        for char in text:
            index = max(i for i, low in enumerate(self.classes.starts) if low <= ord(char))
            state = self.table[state][self.classes.groups[index]]
        return self.accepting[state]


def build(text: str) -> Automaton:
    builder = Builder(regex.parse(text))
    pool, count = builder.pool, builder.classes.count
    numbers = {pool.never: 0}
    queue = [pool.never]
    numbers.setdefault(builder.root, len(numbers))
    if builder.root != pool.never:
        queue.append(builder.root)
    table: list[list[int]] = []
    for node in queue:  # grows while it is walked
        row = []
        for char in range(count):
            target = builder.derive(node, char)
            if target not in numbers:
                numbers[target] = len(queue)
                queue.append(target)
                if len(queue) > MAX_STATES:
                    raise PatternError(f"more than {MAX_STATES} states: {text!r}")
            row.append(numbers[target])
        table.append(row)
    accepting = [pool.null[node] for node in queue]
    return minimise(Automaton(builder.classes, table, accepting, numbers[builder.root]))


def minimise(automaton: Automaton) -> Automaton:
    """Moore's refinement; the dead state keeps number 0."""
    group = [int(a) for a in automaton.accepting]
    while True:
        signatures: dict[tuple, int] = {}
        refined = []
        for state, row in enumerate(automaton.table):
            signature = (group[state], *[group[t] for t in row])
            refined.append(signatures.setdefault(signature, len(signatures)))
        if len(signatures) == len(set(group)):
            break
        group = refined
    # Number the groups in the order of their first state: the dead state, first in the table, stays 0.
    order: dict[int, int] = {}
    for g in group:
        order.setdefault(g, len(order))
    table: list[list[int]] = [[]] * len(order)
    accepting = [False] * len(order)
    for state, row in enumerate(automaton.table):
        table[order[group[state]]] = [order[group[t]] for t in row]
        accepting[order[group[state]]] = automaton.accepting[state]
    return Automaton(automaton.classes, table, accepting, order[group[automaton.start]])
