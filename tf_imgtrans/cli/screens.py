"""Help screens: the overview of commands in groups, each with an example, and the text above a command's own flags."""

import ast
import dataclasses
import functools
import importlib
import inspect
import re
import shutil
import sys
import textwrap

from tf_imgtrans.core.permissions import FLAGS

# Purpose -> commands, in the order of work.
GROUPS = {
    "start": ("quickstart",),
    "train": ("data", "train", "import-checkpoint"),
    "use": ("models", "predict", "evaluate", "corrupt", "compress", "decompress"),
    "ship": ("export", "inspect", "serve-check"),
    "reproduce": ("reproduce",),
    "benchmark": ("benchmark", "benchmark-training", "benchmark-corruptions"),
}
WIDEST = 124  # columns; longer lines are hard to read
DRAWN = re.compile(r"^ *\{(\w+)\}$")  # a line of a docstring in whose place a drawing stands
# Data folders. The same drawings stand in train_scripts/README.md.
FOLDERS = {
    "pairs": """
        dped/                            DPED; --phone iphone where there are several
        └── iphone/                      or blackberry/, sony/
            ├── training_data/
            │   ├── iphone/              0.jpg, 1.jpg ...
            │   └── canon/               0.jpg, 1.jpg ...: their targets
            └── test_data/patches/       held out, where it is there
                ├── iphone/              0.jpg, 1.jpg ...
                └── canon/               0.jpg, 1.jpg ...
        challenge/                       the PIRM 2018 challenge on smartphones
        ├── patches/
        │   ├── iphone/                  0.jpg, 1.jpg ...
        │   └── canon/                   0.jpg, 1.jpg ...
        └── HD_res/                      whole photographs, for NIQE
        pairs/                           any pairs; other names by --source and --target
        ├── low/                         a.jpg, b.png ...
        └── target/                      a.jpg, b.png ...: of the same names and sizes""",
    "clean": """
        photos/                          clean photographs, degraded on the fly
        ├── a.jpg
        └── b.png ...""",
    "photographs": """
        photos/                          images in it or below it, at any depth
        ├── a.jpg
        └── more/b.jpg ...
        parts/                           or already in two parts
        ├── train/                       a.jpg, more/b.jpg ...
        └── test/                        c.jpg ...; or val/: held out""",
    "labels": """
        cityscapes/                      label set cityscapes, the default
        ├── leftImg8bit/{train,val}/     CITY/NAME_leftImg8bit.png
        └── gtFine/{train,val}/          CITY/NAME_gtFine_labelIds.png
        streets/                         the same as pix2pixHD keeps it
        ├── {train,test}_img/            NAME_leftImg8bit.png ...
        └── {train,test}_label/          NAME_gtFine_labelIds.png ...
        camvid/                          label set camvid
        ├── train/                       NAME.png ...; val/ and test/ alike
        └── trainannot/                  NAME.png ...: a class id in each pixel""",
    "translated": """
        pairs/                           label set none: images are taken as they are
        ├── a/                           1.jpg, 2.jpg ...; which is which by --source and --target
        └── b/                           1.jpg, 2.jpg ...
        facades/                         label set none: photograph and labels side by side in one file
        ├── train/                       1.jpg, 2.jpg ...
        └── val/                         1.jpg ...""",
    "aligned": """
        faces/                           images in it or below it, at any depth
        ├── 00000/00000.png              FFHQ; of each image the central square is taken
        └── 1.jpg ...                    CelebA-HQ
        packed/                          or what tf-imgtrans data pack wrote
        ├── index.json
        ├── 8x8/                         images-00000-of-00070.tfrecord ...
        └── 1024x1024/                   images-00000-of-00070.tfrecord ...""",
}


def prepare(command):
  """Lays the text of a command out for its help screen.

  Args:
    command: function or partial of one. Its docstring is changed: every flag's text becomes one line, as tyro would keep
      the line breaks of the source.
  Returns:
    str, what stands above the flags: paragraphs in the width of the screen, with the data folders drawn.
  """
  function = command.func if isinstance(command, functools.partial) else command
  text, title, flags = documentation(function).partition("\nArgs:\n")
  function.__doc__ = text + title + re.sub(r"\n {3,}", " ", flags)
  return "\n\n".join(map(_paragraph, text.strip().split("\n\n")))


def overview(commands, program, description):
  """The screen of a level of commands: each with what it does and an example.

  Args:
    commands: dict as in `main.COMMANDS`.
    program: str, what is typed before the command.
    description: str, a paragraph.
  Returns:
    str.
  """
  grouped = {title: [name for name in names if name in commands] for title, names in GROUPS.items()}
  if not any(grouped.values()):
    grouped = {"commands": list(commands)}
  lines = [f"usage: {program} COMMAND [FLAGS]", "", _paragraph(description)]
  width = max(map(len, commands)) + 2
  for title, names in grouped.items():
    lines += ["", f"{title}:"] * bool(names)
    for name in names:
      target, summary = commands[name]
      lines += [f"  {name:{width}}{summary or load(target).summary}", f"  {'':{width}}  {example(target)}"]
  lines += ["", "flags of every command:", *(f"  {flag:{width}}{text}" for flag, text in FLAGS.items())]
  return "\n".join([*lines, "", f"flags and data folders of a command: {program} COMMAND --help"])


def example(target):
  """The example of a command, or of the first of a group: str. Only the modules of commands are imported, no TensorFlow.

  Args:
    target: "module:function", or a dict of commands.
  """
  while isinstance(target, dict):
    target = next(iter(target.values()))[0]
  return examples(load(target))[0]


def examples(command):
  """Command lines in a command's docstring: list of str."""
  return re.findall(r"^Example: (tf-imgtrans .*)", documentation(command), re.MULTILINE)


def documentation(function):
  """The docstring of a function, from its source where python -OO has removed it; its dataclasses get theirs, too."""
  if sys.flags.optimize > 1:
    kinds = [getattr(kind, "__origin__", kind) for kind in function.__annotations__.values()]
    for found in (function, *filter(dataclasses.is_dataclass, kinds)):
      if not found.__doc__ or found is not function:  # of a dataclass Python has made one of its fields
        tree = ast.parse(textwrap.dedent(inspect.getsource(found)))
        found.__doc__ = ast.get_docstring(tree.body[0])
  return inspect.getdoc(function)


def load(target):
  """The function that "module:function" stands for, the module being one of this package or an absolute name."""
  module, function = target.split(":")
  module = module if module.startswith("tf_imgtrans.") else f"tf_imgtrans.cli.{module}"
  return getattr(importlib.import_module(module), function)


def _paragraph(text):
  """A paragraph in the width of the screen; drawings and indented lines as they are, an example in a line of its own."""
  if text.startswith("Example: "):
    return text.replace(": ", ":\n  ", 1)
  width = min(shutil.get_terminal_size().columns, WIDEST)
  lines, running = [], []
  for line in [*text.split("\n"), None]:
    if line is None or line.startswith(" "):
      lines += textwrap.wrap(" ".join(running), width, break_long_words=False, break_on_hyphens=False)
      running = []
      drawn = DRAWN.match(line or "")
      lines += [textwrap.indent(textwrap.dedent(FOLDERS[drawn[1]]).strip("\n"), "  ")] if drawn else [line] * bool(line)
    else:
      running.append(line)
  return "\n".join(lines)
