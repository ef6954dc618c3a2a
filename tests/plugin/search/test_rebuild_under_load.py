"""While a catalogue is rebuilt, four threads search and write: no error, nothing empty or lost."""

import json
import threading

from toy_shop import FIELDS, products
from traffic import Traffic

from endcap_indexer.catalogue import Files
from endcap_indexer.encoder import open_encoder
from endcap_indexer.generations import Catalogue, Follower, Generation, generation_folder, reindex


class Begun:
    """A progress that tells when the first products have been read, and slows them down."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def advance(self, stage, done, total):
        self.event.set()
        threading.Event().wait(0.3)


def test_nothing_is_lost_while_a_catalogue_is_rebuilt(own_shop, encoder_folder):
    shop, begun = own_shop, Begun()
    ids = [f"t{n}" for n in range(20)] + [f"p{n:03}" for n in range(20)]
    template = products(1)[0]

    def row(id, edition):
        return {**template, "id": id, "title": f"oak lamp {edition}", "edition": edition}

    path = shop.store / "next.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in products(70)))
    encoder = open_encoder(str(encoder_folder), shop.store, device="cpu")
    catalogue = Catalogue(Files(path), FIELDS)
    traffic = Traffic(shop.client, shop.index, row, ids, "sofa")
    with traffic.running(begun.event):
        done = reindex(
            shop.client, shop.store, shop.index, catalogue, encoder, shop.settings, progress=begun
        )
        threading.Event().wait(0.5)
    assert done.generation.endswith("-000002")
    assert (traffic.errors, traffic.empty, traffic.lost()) == ([], 0, {})
    assert traffic.writes > 20
    assert done.carried > 0
    shop.client.close()  # what follows in the background ends
    Follower(shop.plain, shop.store, shop.index, lambda _: encoder).run()
    generation = Generation.open(generation_folder(shop.store, done.generation))
    written = [id for id, edition in traffic.acknowledged.items() if edition is not None]
    assert (generation.rows(written) >= 0).all()
    gone = [id for id, edition in traffic.acknowledged.items() if edition is None]
    assert (generation.rows(gone) < 0).all()
