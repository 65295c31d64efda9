"""The text of a shipped model's card, from what its training, measurements and exports have left."""

import collections
import dataclasses
import json

from tf_imgtrans.core.files import size_of
from tf_imgtrans.recipes import find_recipe

# Column of a table -> (heading, format)
COLUMNS = {
    "pairs": ("pairs", "{:d}"), "psnr_db": ("PSNR, dB", "{:.2f}"), "ssim": ("SSIM", "{:.3f}"),
    "ms_ssim": ("MS-SSIM", "{:.3f}"), "better": ("better than the input", "{:.0%}"), "photographs": ("photographs", "{:d}"),
    "niqe": ("NIQE, lower is better", "{:.2f}"), "niqe_rise": ("change of NIQE (lower is better)", "{:+.2f}"),
    "clipped": ("newly clipped values", "{:.2%}"),
    "lattice": ("lattice, times the input's", "{:.2f}"), "change_db": ("PSNR to the input, dB", "{:.1f}"),
}


def write(facts, plan, run, tables, photographs, parities, folder):
  """The text of MODEL_CARD.md.

  Args:
    facts: dict, the content of card.json.
    plan: plans.Plan.
    run: dict, the content of run.json.
    tables: as measure.Measured has them.
    photographs: photographs.Photographs.
    parities: dict of file name to export.parity.Parity.
    folder: Path of the model's folder.
  """
  config, speed = run["config"], facts["speed"]
  return CARD.format(
      **{name: facts[name] for name in ("name", "summary", "recipe", "licence")}, parameters=f"{facts['parameters']:,}",
      command=plan.command.format(name=facts["name"]),
      good=" Last row: a good photograph, and its output." if facts["task"] == "photo_enhancement" else "",
      size="the same size" if facts["scale"] == 1 else f"{facts['scale']} times the size",
      seconds=f"{speed['seconds']:.2f}", width=speed["width"], height=speed["height"], machine=speed["machine"],
      steps=f"{config['iterations']:,}", batch=config["batch_size"],
      versions=", ".join(f"{library} {number}" for library, number in run["versions"].items()),
      settings="\n".join(f"| `{field}` | `{value}` |" for field, value in changed(plan, config)) or "| none | |",
      training=len(photographs.training), held_out=len(photographs.held_out),
      licences="\n".join(licences(photographs)), thanks="; ".join(thanks(photographs)),
      numbers="\n\n".join(f"On {title}:\n\n{table(rows)}" for title, rows in tables.items()),
      files="\n".join(file_row(folder, name, parity) for name, parity in parities.items()),
      limits="\n".join(f"- {limit}" for limit in plan.limits))


def changed(plan, config):
  """(field, value) of the configuration where it differs from the recipe's preset "paper"."""
  usual = dataclasses.asdict(find_recipe(plan.recipe).presets["paper"])
  for field, value in config.items():
    if json.loads(json.dumps(usual[field])) != value:
      yield field, value


def licences(photographs):
  """Lines of a table: licence and number of photographs."""
  counted = collections.Counter(entry["licence"] for entry in photographs.credits.values())
  return [f"| {licence} | {count} |" for licence, count in counted.most_common()]


def thanks(photographs):
  """Author, title and licence of each photograph whose licence asks for it."""
  return [f"{entry['author']} ({entry['title']}, {entry['licence']})" for entry in photographs.credits.values()
          if entry["licence"].startswith("CC-BY")]


def table(rows):
  """A Markdown table of dict of row -> dict of column -> number; rows that read alike are one."""
  columns = [column for column in COLUMNS if any(column in row for row in rows.values())]
  names = collections.defaultdict(list)
  for name, row in rows.items():
    names[tuple(COLUMNS[column][1].format(row[column]) if column in row else "" for column in columns)].append(name)
  lines = [["", *(COLUMNS[column][0] for column in columns)], ["---"] * (len(columns) + 1)]
  lines += [[", ".join(alike), *cells] for cells, alike in names.items()]
  return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def file_row(folder, name, parity):
  """A line of the table of files."""
  likeness = f"{parity.psnr_db:.1f}" if parity.max_difference else "equal"
  verdict = "within" if parity.within_tolerance else "OUTSIDE"
  return (f"| `{name}` | {parity.precision} | {size_of(folder / name) / 1e6:.2f} | {parity.max_difference:.1e} | "
          f"{likeness} | {verdict} |")


CARD = """# {name}

{summary}

Image in, image of {size} out: float32 RGB in [0, 1], any height and width from 8 pixels. {parameters} parameters;
{seconds} s for {width}x{height} in TFLite on {machine}.

    {command}

![input, output, original](panel.jpg)

*Held-out photographs as the model is trained to get them, its output, and the original.{good}*

## Numbers

{numbers}

## Training

    python train_scripts/make_saved_models.py {name} --data PHOTOGRAPHS

The recipe is `{recipe}`: {steps} steps of {batch} patches. Versions: {versions}.
Settings that differ from the recipe's:

| setting | value |
| --- | --- |
{settings}

Trained on {training} photographs, measured on {held_out} others. Their licences:

| licence | photographs |
| --- | --- |
{licences}

With thanks to {thanks}.

## Files

`{name}.keras` is the source. The others are compared with it on the embedded photographs. Files of a fixed size are for
phones, as some of their runtimes open no other; files without one take any size.

| file | precision | MB | largest difference | PSNR to the source, dB | tolerance |
| --- | --- | --- | --- | --- | --- |
{files}

`1/` is a SavedModel: point TensorFlow Serving's base path at this folder, or start `compose.yaml` of the folder above.
`export_report.json` describes the `.tflite` files, their operations, and those that a phone's GPU supports. `card.json` is
this card for programs.

## Limits

{limits}

Licence of the weights: {licence}, as the package.
"""
