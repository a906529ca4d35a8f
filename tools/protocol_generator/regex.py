"""Java regular expressions of service models, parsed; what a model never uses is refused, never guessed.

Nodes are tuples: ("chars", set), ("cat", [..]), ("alt", [..]), ("rep", node, low, high or None), ("start",), ("end",),
("ahead", negative, node), ("behind", negative, node).
"""

import charset
from charset import CharSet


class PatternError(Exception):
    """The expression cannot be translated."""


class Parser:
    def __init__(self, text: str):
        self.text = text
        self.at = 0

    def fail(self, why: str):
        raise PatternError(f"{why} at {self.at} in {self.text!r}")

    def peek(self, count: int = 1) -> str:
        return self.text[self.at:self.at + count]

    def take(self) -> str:
        if self.at >= len(self.text):
            self.fail("unexpected end")
        self.at += 1
        return self.text[self.at - 1]

    def accept(self, token: str) -> bool:
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def parse(self):
        node = self.alternatives()
        if self.at != len(self.text):
            self.fail("unbalanced ')'")
        return node

    def alternatives(self):
        branches = [self.sequence()]
        while self.accept("|"):
            branches.append(self.sequence())
        return branches[0] if len(branches) == 1 else ("alt", branches)

    def sequence(self):
        items = []
        while self.peek() and self.peek() not in "|)":
            items.append(self.quantified(self.atom()))
        return items[0] if len(items) == 1 else ("cat", items)

    def quantified(self, node):
        while self.peek() and self.peek() in "*+?{":
            token = self.take()
            if token == "{":
                low, high = self.bounds()
            else:
                low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}[token]
            if self.peek() == "+":
                self.fail("possessive quantifier")
            self.accept("?")  # reluctant: the same language
            if node[0] in ("start", "end", "ahead", "behind"):
                self.fail("quantified assertion")
            node = ("rep", node, low, high)
        return node

    def bounds(self):
        end = self.text.find("}", self.at)
        if end < 0:
            self.fail("'{' without '}'")
        low, comma, high = self.text[self.at:end].partition(",")
        self.at = end + 1
        if not low.isdigit() or (high and not high.isdigit()):
            self.fail("malformed repetition")
        return int(low), (int(high) if high else None) if comma else int(low)

    def atom(self):
        token = self.take()
        if token == "(":
            return self.group()
        if token == "[":
            return ("chars", self.char_class())
        if token == ".":
            return ("chars", charset.DOT)
        if token == "^":
            return ("start",)
        if token == "$":
            return ("end",)
        if token == "\\":
            return ("chars", self.escape())
        if token in "*+?":
            self.fail("nothing to repeat")
        return ("chars", charset.single(token))

    def group(self):
        kind = None
        if self.accept("?"):
            for token, name in (("<!", ("behind", True)), ("<=", ("behind", False)), ("!", ("ahead", True)),
                                ("=", ("ahead", False)), (":", None)):
                if self.accept(token):
                    kind = name
                    break
            else:
                self.fail("unknown group")
        node = self.alternatives()
        if not self.accept(")"):
            self.fail("'(' without ')'")
        return (*kind, node) if kind else node

    def escape(self) -> CharSet:
        token = self.take()
        classes = {"d": charset.DIGIT, "w": charset.WORD, "s": charset.SPACE}
        if token in classes:
            return classes[token]
        if token.lower() in classes:
            return charset.invert(classes[token.lower()])
        if token in "pP":
            return self.property(token == "P")
        return charset.single(self.escaped_point(token))

    def property(self, negative: bool) -> CharSet:
        if self.accept("{"):
            end = self.text.index("}", self.at)
            name, self.at = self.text[self.at:end], end + 1
        else:
            name = self.take()
        chars = charset.property_class(name)
        if chars is None:
            self.fail(f"unknown property {name}")
        return charset.invert(chars) if negative else chars

    def escaped_point(self, token: str) -> int:
        controls = {"t": 9, "n": 10, "r": 13, "f": 12, "a": 7, "e": 27}
        if token in controls:
            return controls[token]
        if token == "x":
            return self.hexadecimal(2)
        if token == "u":
            high = self.hexadecimal(4)
            # Java reads an escaped surrogate pair as one code point.
            if 0xD800 <= high < 0xDC00 and self.peek(2) == "\\u":
                back, self.at = self.at, self.at + 2
                low = self.hexadecimal(4)
                if 0xDC00 <= low < 0xE000:
                    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
                self.at = back
            return high
        if token.isalnum():
            self.fail(f"unknown escape \\{token}")
        return ord(token)

    def hexadecimal(self, digits: int) -> int:
        text = self.peek(digits)
        try:
            value = int(text, 16)
        except ValueError:
            self.fail("malformed hexadecimal escape")
        self.at += digits
        return value

    def char_class(self) -> CharSet:
        negative = self.accept("^")
        result: CharSet = charset.NONE
        first = True
        while first or self.peek() != "]":
            first = False
            if self.peek() == "[" or self.peek(2) == "&&":
                self.fail("nested character class")
            chars = self.class_item()
            low = chars[0][0] if len(chars) == 1 and chars[0][0] == chars[0][1] else None
            if low is not None and self.peek() == "-" and self.peek(2) not in ("-]", "-["):
                self.take()
                high = self.class_item()
                if len(high) != 1 or high[0][0] != high[0][1]:
                    chars = charset.union(chars, charset.single("-"), high)  # as in [a-\d]
                elif high[0][0] < low:
                    self.fail("reversed range")
                else:
                    chars = ((low, high[0][0]),)
            result = charset.union(result, chars)
        self.take()
        return charset.invert(result) if negative else result

    def class_item(self) -> CharSet:
        token = self.take()
        return self.escape() if token == "\\" else charset.single(token)


def parse(text: str):
    return Parser(text).parse()
