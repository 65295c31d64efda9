"""Runs functions of plain Kotlin arithmetic as Python, so that a page's own text is what a test executes.

The part of Kotlin: `fun`, `val`, `var`, `for (i in a until b)`, `while`, `if`, `return`, assignments, function types as
parameters, and expressions of numbers, arrays, calls, `if ... else`, `and`, `or`, `shl`, `shr`. Int is 32 bits, Float is
numpy.float32, a Byte is signed, and a division of two Ints drops the fraction. Anything else is a SyntaxError.
"""

import keyword
import re

import numpy as np

_TOKEN = re.compile(r"\s*(?://[^\n]*|(\d+\.\d+f?|\d+f?|\w+|->|\+=|-=|\*=|==|!=|<=|>=|&&|\|\||[-+*/%<>=!(){}\[\],:.]|$))")
# Lowest first, as Kotlin binds them; a named operator is tighter than a comparison and looser than a sum.
_LEVELS = (("||",), ("&&",), ("==", "!="), ("<", ">", "<=", ">="), ("and", "or", "shl", "shr"), ("+", "-"), ("*", "/", "%"))
_PLAIN = {"||": "or", "&&": "and", "and": "&", "or": "|", "shr": ">>"}
_CALLED = {"shl": "shl", "/": "divide", "%": "remainder"}
_CONVERSIONS = {"toInt": "to_int", "toFloat": "np.float32", "toByte": "to_byte"}


def shl(a, b):
  """a shl b of 32 bits."""
  return (((int(a) << b) + 2 ** 31) & (2 ** 32 - 1)) - 2 ** 31


def divide(a, b):
  """a / b: towards zero where both are Int."""
  if isinstance(a, (float, np.floating)) or isinstance(b, (float, np.floating)):
    return np.float32(a) / np.float32(b)
  return int(int(a) / int(b)) if (a < 0) != (b < 0) else abs(int(a)) // abs(int(b))


def remainder(a, b):
  """a % b of Ints, with the sign of a."""
  return a - divide(a, b) * b


def to_int(a):
  """The fraction of a Float is dropped; what is too large becomes the largest Int, and no number 0."""
  if isinstance(a, (float, np.floating)):
    return 0 if np.isnan(a) else int(min(max(float(a), -2 ** 31), 2 ** 31 - 1))
  return int(a)


def to_byte(a):
  """The lowest 8 bits, signed."""
  return ((int(a) + 128) & 255) - 128


_WORLD = {
    "np": np, "shl": shl, "divide": divide, "remainder": remainder, "to_int": to_int, "to_byte": to_byte,
    "minOf": min, "maxOf": max, "IntArray": lambda n: [0] * n, "FloatArray": lambda n: np.zeros(n, np.float32),
    "ByteArray": lambda n: np.zeros(n, np.int8),
}


def load(source):
  """The functions of Kotlin source: dict of name to Python function.

  Arrays are a numpy.int8 array for ByteArray, numpy.float32 for FloatArray, and a list of ints for IntArray.

  Raises:
    SyntaxError: something outside the plain part.
  """
  parser = _Parser(source)
  world = dict(_WORLD)
  exec(parser.file(), world)  # the page is this repository's own
  return {name: world[name] for name in parser.functions}


class _Parser:
  """Recursive descent over tokens; each method takes what it is named after and returns Python source."""

  def __init__(self, source):
    self.tokens, self.place, self.functions = [], 0, []
    at = 0
    while at < len(source):
      found = _TOKEN.match(source, at)
      if not found or found.end() == at:
        raise SyntaxError(f"not plain Kotlin: {source[at:at + 40]!r}")
      at = found.end()
      if found.group(1):
        self.tokens.append(found.group(1))
    self.tokens.append("")

  @property
  def token(self):
    return self.tokens[self.place]

  def next(self, *expected):
    token = self.token
    if expected and token not in expected:
      raise SyntaxError(f"{' '.join(self.tokens[max(0, self.place - 8):self.place + 3])}: expected {' or '.join(expected)}")
    self.place += 1
    return token

  def name(self):
    """A name; one that is a word of Python's own gets a mark."""
    name = self.next()
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
      raise SyntaxError(f"{name!r} in the place of a name")
    return f"{name}_" if keyword.iskeyword(name) else name

  def take(self, token):
    """Whether the next token is this one, which is then passed."""
    if self.token == token:
      self.place += 1
      return True
    return False

  def file(self):
    lines = []
    while self.token:
      lines += self.function()
    return "\n".join(lines)

  def function(self):
    self.next("fun")
    name = self.name()
    self.functions.append(name)
    self.next("(")
    names = []
    while not self.take(")"):
      names.append(self.name())
      self.next(":")
      self.type()
      self.take(",")
    if self.take(":"):
      self.type()
    head = f"def {name}({', '.join(names)}):"
    return [head, f"  return {self.expression()}"] if self.take("=") else [head, *self.block("  ")]

  def type(self):
    if self.take("("):
      while not self.take(")"):
        self.type()
        self.take(",")
      self.next("->")
      self.type()
    else:
      self.next("Int", "Float", "Byte", "Boolean", "IntArray", "FloatArray", "ByteArray")

  def block(self, indent):
    self.next("{")
    lines = []
    while not self.take("}"):
      lines += self.statement(indent)
    return lines or [f"{indent}pass"]

  def statement(self, indent):
    if self.take("for"):
      self.next("(")
      name = self.name()
      self.next("in")
      first = self.expression()
      self.next("until")
      last = self.expression()
      self.next(")")
      return [f"{indent}for {name} in range({first}, {last}):", *self.block(indent + "  ")]
    if self.token in ("while", "if"):
      word = self.next()
      lines = [f"{indent}{word} {self.condition()}:", *self.block(indent + "  ")]
      if word == "if" and self.take("else"):
        body = self.block(indent + "  ") if self.token == "{" else self.statement(indent + "  ")
        lines += [f"{indent}else:", *body]
      return lines
    if self.take("return"):
      return [f"{indent}return {self.expression()}"]
    if self.token in ("val", "var"):
      self.next()
      target = self.name()
      return [f"{indent}{target} {self.next('=')} {self.expression()}"]
    target = self.postfix()
    return [f"{indent}{target} {self.next('=', '+=', '-=', '*=')} {self.expression()}"]

  def condition(self):
    self.next("(")
    said = self.expression()
    self.next(")")
    return said

  def expression(self, level=0):
    if self.take("if"):
      condition, yes = self.condition(), self.expression()
      self.next("else")
      return f"({yes} if {condition} else {self.expression()})"
    if level == len(_LEVELS):
      return self.prefix()
    left = self.expression(level + 1)
    while self.token in _LEVELS[level]:
      operator = self.next()
      right = self.expression(level + 1)
      left = (f"{_CALLED[operator]}({left}, {right})" if operator in _CALLED
              else f"({left} {_PLAIN.get(operator, operator)} {right})")
    return left

  def prefix(self):
    if self.take("-"):
      return f"(-{self.prefix()})"
    return f"(not {self.prefix()})" if self.take("!") else self.postfix()

  def postfix(self):
    if self.take("("):
      said = f"({self.expression()})"
      self.next(")")
    elif self.token[:1].isdigit():
      token = self.next()
      said = f"np.float32({token[:-1]})" if token.endswith("f") else token
    else:
      said = self.name()
    while self.token in ("(", "[", "."):
      mark = self.next()
      if mark == ".":
        name = self.next("size", *_CONVERSIONS)
        if name == "size":
          said = f"len({said})"
        else:
          self.next("(")
          self.next(")")
          said = f"{_CONVERSIONS[name]}({said})"
        continue
      arguments = []
      close = {"(": ")", "[": "]"}[mark]
      while not self.take(close):
        arguments.append(self.expression())
        self.take(",")
      said += f"{mark}{', '.join(arguments)}{close}"
    return said
