# Two stages: the first installs the pinned libraries (a layer that code changes do not touch), the second runs as nobody.
# On a machine without a GPU: docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu .

FROM python:3.11-slim-bookworm AS build
ARG TORCH_INDEX=""
WORKDIR /build
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY pyproject.toml constraints.txt ./
# The dependencies alone, read from pyproject.toml: pip has no option for it that works without the code.
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; e = p['optional-dependencies']; print('\n'.join(p['dependencies'] + e['gpu'] + e['models'] + e['scale']))" > requirements.txt \
    && pip install -c constraints.txt ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r requirements.txt
COPY README.md LICENSE ./
COPY bot bot
COPY llm llm
COPY storage storage
COPY playground playground
RUN pip install --no-deps .

FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 10001 steward && mkdir /data && chown steward /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 HF_HOME=/data/huggingface
USER steward
WORKDIR /data
VOLUME /data
ENTRYPOINT ["steward"]
CMD ["run"]
