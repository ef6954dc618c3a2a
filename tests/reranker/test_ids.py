import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from endcap_reranker.ids import find_codes, from_tensor, to_tensor

# numpy's bytes end at the last byte that is not zero
IDS = st.sets(st.text(min_size=1).filter(lambda id: "\0" not in id), max_size=8)


@given(IDS, IDS)
def test_an_id_is_found_where_it_is(known, others):
    encoded = sorted(id.encode("utf-8", "surrogatepass") for id in known)
    ids = np.array(encoded, "S") if known else np.empty(0, "S1")
    asked = [*known, *others]
    expected = [
        encoded.index(id.encode("utf-8", "surrogatepass")) if id in known else -1 for id in asked
    ]
    assert find_codes(ids, asked).tolist() == expected


@given(IDS.filter(len))
def test_ids_survive_their_tensor(known):
    ids = np.array(sorted(id.encode("utf-8", "surrogatepass") for id in known))
    np.testing.assert_array_equal(from_tensor(to_tensor(ids)), ids)
