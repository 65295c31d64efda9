"""Text on screens and in files of few characters, such as those of Windows' code pages and of LC_ALL=C."""

import codecs

# Drawn characters and signs -> what stands for them; others are escaped.
_PLAIN = str.maketrans({
    **dict.fromkeys("│┃", "|"), **dict.fromkeys("─━", "-"), **dict.fromkeys("├┤┼╭╮╰┌┐└┘╯", "+"),
    **dict.fromkeys("█▏▎▍▌▋▊▉", "#"),
    "•": "*", "…": "...", "±": "+-", "×": "x", "→": "->", "–": "-", "—": "-", "’": "'", "“": '"', "”": '"', "µ": "u",
})
NAME = "tf_imgtrans.plain"


def write_what_it_can(stream):
  """Makes a text stream write plain signs for characters that its encoding lacks, in the place of an error."""
  if hasattr(stream, "reconfigure"):  # a notebook's and a test's streams take all
    stream.reconfigure(errors=NAME)


def _plain(error):
  """What stands for the characters that cannot be encoded, as `codecs.register_error` takes it."""
  if not isinstance(error, UnicodeEncodeError):
    raise error
  lacking = error.object[error.start:error.end].translate(_PLAIN)
  return lacking.encode("ascii", "backslashreplace").decode(), error.end


codecs.register_error(NAME, _plain)
