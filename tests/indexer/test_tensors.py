import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from endcap_indexer.tensors import TYPES, map_tensors, read_metadata, serialise

ANY_ARRAY = st.sampled_from(sorted(TYPES)).flatmap(
    lambda name: arrays.arrays(TYPES[name], arrays.array_shapes(min_dims=0, min_side=0))
)


@given(st.dictionaries(st.text(min_size=1), ANY_ARRAY))
def test_what_is_written_is_read_here_and_by_the_library(tmp_path_factory, tensors):
    tensors.pop("__metadata__", None)
    path = tmp_path_factory.mktemp("tensors") / "tensors.safetensors"
    path.write_bytes(serialise(tensors))
    for read in (map_tensors(path), safetensors.numpy.load_file(path)):
        assert read.keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert (read[name].dtype, read[name].shape) == (tensor.dtype, tensor.shape)
            np.testing.assert_array_equal(read[name], tensor)


def test_what_is_written_beside_is_read_back(tmp_path):
    path = tmp_path / "tensors.safetensors"
    path.write_bytes(serialise({"a": np.zeros(2)}, {"record": '{"é": 1}'}))
    assert read_metadata(path) == {"record": '{"é": 1}'}
    assert map_tensors(path).keys() == {"a"}
    path.write_bytes(serialise({"a": np.zeros(2)}))
    assert read_metadata(path) == {}


def test_a_tensor_is_not_copied(tmp_path):
    path = tmp_path / "tensors.safetensors"
    path.write_bytes(serialise({"a": np.arange(6).reshape(2, 3)[:, ::-1]}))
    read = map_tensors(path)["a"]
    assert not read.flags.owndata
    assert not read.flags.writeable
    assert read.tolist() == [[2, 1, 0], [5, 4, 3]]


@pytest.mark.parametrize("header", [b"{", b'{"a": {"dtype": "F32"}}', b'{"a": 3}', b"[]"])
def test_what_is_no_safetensors_file_is_said(tmp_path, header):
    path = tmp_path / "tensors.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ValueError):
        map_tensors(path)
