"""What the toy shop may be asked: query shapes over its fields and words."""

from hypothesis import strategies as st

WORDS = ("sofa", "couch", "jacket", "coat", "lamp", "light", "red", "crimson", "blue", "navy")

texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
windows = st.integers(1, 60)
condition = st.one_of(
    st.sampled_from(("Alder", "Birch", "Cedar")).map(lambda b: {"term": {"brand.keyword": b}}),
    st.integers(0, 72).map(lambda price: {"range": {"price": {"gte": price}}}),
    st.integers(0, 72).map(lambda price: {"range": {"price": {"lt": price}}}),
    st.sampled_from(("sofa", "jacket", "lamp")).map(lambda kind: {"term": {"kind": kind}}),
)
conditions = st.lists(condition, max_size=2)
matches = st.builds(
    lambda text, operator: {"match": {"title": {"query": text, "operator": operator}}},
    texts,
    st.sampled_from(("or", "and")),
)
clauses = st.one_of(matches, condition)
bools = st.fixed_dictionaries(
    {"must": st.lists(clauses, max_size=2), "filter": conditions, "must_not": conditions},
    optional={
        "should": st.lists(clauses, min_size=1, max_size=3),
        "minimum_should_match": st.sampled_from((0, 1, 2)),
    },
)
factor = {"field": "sales", "modifier": "log1p"}
shapes = st.one_of(
    matches,
    bools.map(lambda found: {"bool": found}),
    st.lists(clauses, min_size=1, max_size=3).map(lambda found: {"dis_max": {"queries": found}}),
    matches.map(lambda found: {"function_score": {"query": found, "field_value_factor": factor}}),
)
