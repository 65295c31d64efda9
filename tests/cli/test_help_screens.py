"""Help screens, and the command lines that pages and screens show: each is parsed by the command's own parser."""

import functools
import re
import shlex
import textwrap

import pytest
import recipes
import tyro

from tf_imgtrans.cli.main import COMMANDS, main
from tf_imgtrans.cli.screens import DRAWN, FOLDERS, GROUPS, examples, load

PAGES = sorted(path for pattern in ("README.md", "notebooks/*.md", "train_scripts/*.md", "tf_imgtrans/papers/*/README.md")
               for path in recipes.ROOT.glob(pattern))


def leaves(commands=COMMANDS, path=()):
  """(path of names, "module:function") of every command."""
  for name, (target, _) in commands.items():
    if isinstance(target, dict):
      yield from leaves(target, (*path, name))
    else:
      yield (*path, name), target


def command_lines(text):
  """The calls in a text: (those of indented blocks, with continued lines joined; those between backticks)."""
  text = re.sub(r" *\\\n\s*", " ", text)
  blocks = re.findall(r"^    (?:\S+=\S+ )?((?:tf-imgtrans|python train_scripts/)\S* .*)$", text, re.MULTILINE)
  inline = re.findall(r"`(tf-imgtrans [^`]*)`", text)
  return [re.sub(r"\s{2,}#.*", "", line) for line in blocks], [" ".join(line.split()) for line in inline]


def parse(line):
  """Parses a call as `main` does, without running it. SystemExit or ValueError where it is wrong."""
  words = shlex.split(line)
  if words[0] == "python":
    source = (recipes.ROOT / words[1]).read_text()
    words[:2] = ["tf-imgtrans", "train", *re.findall(r'"([^"]*)"', re.search(r"\n  script\((.*)\)", source)[1])]
  target, rest = COMMANDS, words[1:]
  while isinstance(target, dict):
    target, rest = target[rest[0]][0], rest[1:]
  command = load(target)
  command = command.prepared(rest) if hasattr(command, "prepared") else command
  partial = command if isinstance(command, functools.partial) else functools.partial(command)
  parsed = functools.wraps(partial.func)(lambda *values, **flags: (values, flags))
  return tyro.cli(functools.partial(parsed, *partial.args, **partial.keywords), args=rest, use_underscores=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(recipes.ROOT)))
def test_every_call_on_a_page_parses(page, capsys):
  assert not wrong_calls(page.read_text(), capsys)


def wrong_calls(text, capsys):
  """The calls in a text that no parser takes. Those between backticks are often cut short: their names and flags count."""
  whole, parts = command_lines(text)
  wrong = []
  for line in whole:
    try:
      parse(line)
    except (SystemExit, ValueError, KeyError) as error:
      wrong += [line] * bool(getattr(error, "code", True))  # 0 of a help screen
  for line in parts:
    names = [word for word in line.split()[1:] if re.fullmatch(r"[a-z0-9][a-z0-9_-]*", word)]
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
      main([*names, "--help"])
    screen = capsys.readouterr().out
    flags = re.findall(r"--[\w.]+", line)
    if stopped.value.code or not all(re.search(rf"{re.escape(flag)}(?![\w.])", screen) for flag in flags):
      wrong.append(line)
  return wrong


def test_the_check_of_pages_finds_wrong_calls(capsys):
  page = "    tf-imgtrans predict --model m.keras \\\n      --out x a.png    # more\n\n" \
         "    tf-imgtrans predict --out x a.png\n\n" \
         "`tf-imgtrans inspect --jsn a b`, `tf-imgtrans evaluate --metrics psnr`, `tf-imgtrans evaluate --metric psnr`, " \
         "`tf-imgtrans expotr tflite`"
  assert wrong_calls(page, capsys) == ["tf-imgtrans predict --out x a.png", "tf-imgtrans inspect --jsn a b",
                                       "tf-imgtrans evaluate --metric psnr", "tf-imgtrans expotr tflite"]


def anchors(page):
  """What links to a page's headings end with, as GitHub makes it."""
  headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
  return {re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", heading).lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(recipes.ROOT)))
def test_links_of_a_page_lead_somewhere(page):
  for path, _, heading in (link.partition("#") for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text())):
    if not path.startswith("http"):
      target = (page.parent / path).resolve() if path else page
      assert target.exists() and (not heading or heading in anchors(target)), f"{path}#{heading}"


def test_every_command_has_an_example_that_parses():
  for path, target in leaves():
    found = examples(load(target))
    assert found and all(line.startswith(f"tf-imgtrans {' '.join(path)} ") for line in found), path
    for line in found:
      parse(line)


def test_every_command_stands_in_one_group(capsys):
  grouped = [name for names in GROUPS.values() for name in names if name in COMMANDS]
  assert sorted(grouped) == sorted(COMMANDS)
  with pytest.raises(SystemExit) as stopped:
    main([])
  screen = capsys.readouterr().out
  assert not stopped.value.code
  for name, (_, summary) in COMMANDS.items():
    assert re.search(rf"^  {name} +{re.escape(summary)}\n +tf-imgtrans {name} ", screen, re.MULTILINE), name


def test_commands_that_read_a_data_folder_draw_it(capsys):
  """On the screen itself, line by line; `figure1` and `table4` need no data."""
  drawn = {name: textwrap.dedent(text).strip().splitlines() for name, text in FOLDERS.items()}
  for path, target in leaves():
    words = " ".join(examples(load(target))).split()
    if "--data" not in words:
      continue
    with pytest.raises(SystemExit) as stopped:
      main([*path, "--help"])
    screen = capsys.readouterr().out
    assert not stopped.value.code and "├──" in screen and not DRAWN.search(screen), path
    known = [name for name, lines in drawn.items() if all(f"  {line}\n" in screen for line in lines)]
    assert known or path == ("data", "pack"), path


def test_the_drawings_of_the_scripts_page_are_those_of_the_screens():
  page = (recipes.ROOT / "train_scripts" / "README.md").read_text()
  for name, drawing in FOLDERS.items():
    assert textwrap.indent(textwrap.dedent(drawing).strip(), "    ") in page, name


@pytest.mark.parametrize("columns", [70, 100, 200])
def test_paragraphs_fit_the_screen(columns, monkeypatch, capsys):
  monkeypatch.setenv("COLUMNS", str(columns))
  with pytest.raises(SystemExit):
    main(["predict", "--help"])
  text = capsys.readouterr().out.partition("usage:")[0]
  assert max(len(line) for line in text.splitlines() if not line.startswith(" ")) <= min(columns, 124)
  assert "tf-imgtrans predict --model runs/iphone --out enhanced photo.jpg holiday/ 'more/*.png' clip.mp4\n" in text


@pytest.mark.parametrize(("arguments", "last"), [
    (["trian"], "next: {} --help"),
    (["train", "mux_demx"], "next: {} train --help"),
    (["train", "--helpp"], "next: {} train --help"),
    (["evaluate", "--model", "no_such.keras", "--data", "."], "next: {} evaluate --help"),
])
def test_an_error_ends_with_the_next_thing_to_try(arguments, last, capsys):
  from tf_imgtrans.core.startup import program

  with pytest.raises(SystemExit) as stopped:
    main(arguments)
  assert stopped.value.code == 2
  assert capsys.readouterr().err.splitlines()[-1] == last.format(program())


@pytest.mark.parametrize(("error", "said"), [(OSError(28, "No space left on device"), "--resume"),
                                             (MemoryError("no memory"), "--config.batch_size")])
def test_work_that_was_stopped_says_how_it_goes_on(error, said, capsys, monkeypatch):
  def failing(*_):
    raise error

  monkeypatch.setattr("tf_imgtrans.cli.main._dispatch", failing)
  with pytest.raises(SystemExit) as stopped:
    main(["train"])
  assert stopped.value.code == 1 and said in capsys.readouterr().err.splitlines()[-1]


def test_a_screen_that_nobody_reads_to_its_end_is_no_error():
  recipes.run_python("import subprocess, sys\n"
                     "call = [sys.executable, '-m', 'tf_imgtrans', 'train', 'mux_demux', '--help']\n"
                     "run = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)\n"
                     "run.stdout.close()\nerrors = run.stderr.read()\nassert run.wait() == 141 and not errors, errors\n")
