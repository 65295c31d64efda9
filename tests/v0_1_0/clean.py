"""Leaves of runs what tests need, and packs the files: python clean.py FOLDER

Away go tensorboard/, previews/ and best_*.keras; of progressive_pan every checkpoint but that of step 2. The members of
.keras and .npz files, which are zip archives, are compressed; they stay the same, byte for byte.
"""

import pathlib
import shutil
import sys
import zipfile


def pack(path):
  """Compresses the members of a zip archive, in their order."""
  with zipfile.ZipFile(path) as archive:
    members = [(member, archive.read(member)) for member in archive.infolist()]
  with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for member, data in members:
      archive.writestr(zipfile.ZipInfo(member.filename, member.date_time), data, zipfile.ZIP_DEFLATED, 9)


def main(folder):
  for run in sorted((folder / "runs").iterdir()):
    for name in ("tensorboard", "previews"):
      shutil.rmtree(run / name, ignore_errors=True)
    for best in run.glob("best_*.keras"):
      best.unlink()
  for checkpoint in (folder / "runs" / "progressive_pan" / "checkpoints").iterdir():
    if checkpoint.name != "step-00000002.npz":
      checkpoint.unlink()
  for path in sorted([*folder.rglob("*.keras"), *folder.rglob("*.npz")]):
    pack(path)


if __name__ == "__main__":
  main(pathlib.Path(sys.argv[1]))
