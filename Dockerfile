# syntax=docker/dockerfile:1
FROM --platform=$BUILDPLATFORM python:3.13.11-slim-bookworm@sha256:20080e807bfc404f8450b185cf0fc95d553462673598549613735f70a5b4d5d0 AS wheel
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY .ci/build.txt ./
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --no-deps --require-hashes -r build.txt
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
# The wheel fits every platform, so it is built once. Its build bundles GraphiQL with the Node.js of build.txt.
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /opt/wheel .

FROM python:3.13.11-slim-bookworm@sha256:20080e807bfc404f8450b185cf0fc95d553462673598549613735f70a5b4d5d0 AS install
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY .ci/container.txt ./
RUN python -m venv /opt/group-gateway \
    && /opt/group-gateway/bin/pip install --no-deps --require-hashes -r container.txt
COPY --from=wheel /opt/wheel /opt/wheel
RUN /opt/group-gateway/bin/pip install --no-deps /opt/wheel/*.whl \
    && /opt/group-gateway/bin/pip uninstall --yes pip

FROM python:3.13.11-slim-bookworm@sha256:20080e807bfc404f8450b185cf0fc95d553462673598549613735f70a5b4d5d0
LABEL org.opencontainers.image.title="group-gateway" \
      org.opencontainers.image.description="A GraphQL gateway in front of a FHIR R4 Group REST API" \
      org.opencontainers.image.licenses="MIT"
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin gateway
COPY --from=install /opt/group-gateway /opt/group-gateway
# Nothing is written at run time, so the file system may be read-only.
ENV PATH="/opt/group-gateway/bin:$PATH" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GROUP_GATEWAY_HOST=0.0.0.0 \
    GROUP_GATEWAY_PORT=8000
WORKDIR /
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['GROUP_GATEWAY_PORT']}/livez\", timeout=2)"]
ENTRYPOINT ["group-gateway"]
CMD ["serve"]
