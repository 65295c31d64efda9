"""Arrays of .npz files: as NumPy reads them, and of damaged or hostile ones an error that names the file."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tf_imgtrans.core.archives import Arrays


@given(array=hnp.arrays(st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_, "U5"]),
                        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)),
       packed=st.booleans(), turned=st.booleans())
def test_as_numpy(array, packed, turned, tmp_path_factory):
  path = tmp_path_factory.mktemp("arrays") / "a.npz"
  array = np.asfortranarray(array) if turned else array
  (np.savez_compressed if packed else np.savez)(path, a=array, other=np.zeros(2))
  read = Arrays(path)
  assert read.names == ("a", "other")
  np.testing.assert_array_equal(read["a"], array)
  assert read["a"].dtype == array.dtype and read["a"].flags.writeable
  with pytest.raises(KeyError):
    read["b"]


def _npy(header, content=b""):
  """A .npy file of version 1 with any header."""
  header = header.encode().ljust(118) + b"\n"
  return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


def _npz(path, content):
  with zipfile.ZipFile(path, "w") as archive:
    archive.writestr("a.npy", content)
  return path


@pytest.mark.parametrize("content", [
    b"", b"text", _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000000,), }", bytes(8)),
    _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", bytes(8)), _npy("{", bytes(8)), _npy("[1]", bytes(8)),
    _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", bytes(8)),
    _npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", bytes(8)), b"\x93NUMPY\x09\x00" + bytes(80),
], ids=["empty", "text", "huge", "short", "open", "list", "negative", "objects", "version"])
def test_damaged_arrays(content, tmp_path):
  with pytest.raises(ValueError, match=r"a.npz is no .npz file, or a damaged one"):
    Arrays(_npz(tmp_path / "a.npz", content))["a"]


def test_damaged_archives(tmp_path):
  path, buffer = tmp_path / "a.npz", io.BytesIO()
  np.savez(buffer, a=np.arange(100))
  whole = buffer.getvalue()
  for content in (b"", whole[:300], whole[:200] + bytes(20) + whole[220:]):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a.npz is no .npz file, or a damaged one"):
      Arrays(path)["a"]
  with pytest.raises(FileNotFoundError):
    Arrays(tmp_path / "none.npz")


def test_what_unpacks_to_far_more_than_its_size(tmp_path):
  np.savez_compressed(tmp_path / "a.npz", a=np.zeros(100 << 18, np.float32))
  with pytest.raises(ValueError, match="a.npz has .* bytes and would unpack to .*: it is made to exhaust memory"):
    Arrays(tmp_path / "a.npz")
