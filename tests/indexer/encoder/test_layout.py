import pytest

from endcap_indexer.encoder import Prompts
from endcap_indexer.encoder.layout import find_graph, read_configuration
from endcap_indexer.exceptions import EncoderError

KIND = "sentence_transformers.models."


def read(folder, prompts=None):
    return read_configuration(folder, "shop/toy", prompts)


def test_a_hub_layout_says_length_and_pooling(hub_layout):
    found = read(hub_layout())
    assert (found.model, found.max_length, found.pooling) == ("shop/toy", 6, "mean")
    assert (found.query_prompt, found.product_prompt, found.source) == ("", "", "")


@pytest.mark.parametrize(
    ("settings", "pooling"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": False}, "mean"),
        ({"pooling_mode": "cls", "include_prompt": True}, "cls"),
        ({"pooling_mode": "mean"}, "mean"),
    ],
)
def test_pooling_is_read_as_flags_or_as_a_word(hub_layout, settings, pooling):
    assert read(hub_layout(**{"1_Pooling/config.json": settings})).pooling == pooling


@pytest.mark.parametrize(
    "settings",
    [
        {"pooling_mode_max_tokens": True},
        {"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True},
        {"pooling_mode": "lasttoken"},
        {"pooling_mode": ["mean", "max"]},
        {},
    ],
)
def test_other_poolings_are_refused(hub_layout, settings):
    with pytest.raises(EncoderError, match="is neither mean nor cls"):
        read(hub_layout(**{"1_Pooling/config.json": settings}))


def test_layers_that_the_graph_lacks_are_named(hub_layout):
    modules = [{"path": "", "type": KIND + kind} for kind in ("Transformer", "Pooling", "Dense")]
    with pytest.raises(EncoderError, match=r"layers that no bare graph has \(Dense\)"):
        read(hub_layout(**{"modules.json": modules}))


def test_the_pooling_lies_where_the_modules_say(hub_layout):
    modules = [{"path": "0_P", "type": "sentence_transformers.base.modules.pooling.Pooling"}]
    folder = hub_layout(**{"modules.json": modules, "0_P/config.json": {"pooling_mode": "cls"}})
    assert read(folder).pooling == "cls"


@pytest.mark.parametrize("modules", [{}, [{"path": ""}], [3], "x", None])
def test_a_broken_list_of_modules_is_named(hub_layout, modules):
    folder = hub_layout(**{"modules.json": modules})
    if modules == {}:
        (folder / "modules.json").unlink()
    with pytest.raises(EncoderError, match=r"modules\.json is not a sentence-transformers"):
        read(folder)


@pytest.mark.parametrize(
    ("positions", "tokenizer", "length"), [(512, 128, 128), (64, 10**30, 64), (None, 512, 512)]
)
def test_the_length_falls_back_to_model_and_tokenizer(hub_layout, positions, tokenizer, length):
    folder = hub_layout(
        **{
            "sentence_bert_config.json": {"max_seq_length": None},
            "config.json": {"max_position_embeddings": positions},
            "tokenizer_config.json": {"model_max_length": tokenizer},
        }
    )
    assert read(folder).max_length == length


def test_no_length_anywhere_is_an_error(hub_layout):
    empty = {"sentence_bert_config.json": {}, "config.json": {}, "tokenizer_config.json": {}}
    with pytest.raises(EncoderError, match="nowhere how long a text may be"):
        read(hub_layout(**empty))


def test_lower_casing_outside_the_tokenizer_is_refused(hub_layout):
    settings = {"max_seq_length": 6, "do_lower_case": True}
    with pytest.raises(EncoderError, match="lower-cases outside its tokenizer"):
        read(hub_layout(**{"sentence_bert_config.json": settings}))


@pytest.mark.parametrize(
    ("named", "prompts"),
    [
        ({"query": "query: ", "passage": "passage: "}, ("query: ", "passage: ")),
        ({"query": "ask ", "document": "doc ", "passage": "no"}, ("ask ", "doc ")),
        ({"query": "ask "}, ("ask ", "")),
        (None, ("", "")),
    ],
)
def test_the_models_own_prompts_are_taken(hub_layout, named, prompts):
    found = read(hub_layout(**{"config_sentence_transformers.json": {"prompts": named}}))
    assert (found.query_prompt, found.product_prompt) == prompts


def test_given_prompts_override_the_models(hub_layout):
    folder = hub_layout(**{"config_sentence_transformers.json": {"prompts": {"query": "no"}}})
    found = read(folder, Prompts(query="yes: "))
    assert (found.query_prompt, found.product_prompt) == ("yes: ", "")


def test_the_graph_lies_in_onnx_or_at_the_top(hub_layout, toy, tmp_path):
    assert find_graph(hub_layout()) == tmp_path / "snapshot" / "onnx" / "model.onnx"
    assert find_graph(toy()) == tmp_path / "toy" / "model.onnx"
    assert find_graph(tmp_path) is None
