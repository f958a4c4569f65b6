# syntax=docker/dockerfile:1
FROM python:3.13.11-slim-bookworm@sha256:20080e807bfc404f8450b185cf0fc95d553462673598549613735f70a5b4d5d0 AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY constraints.txt .ci/build.txt ./
RUN python -m venv /opt/group-gateway \
    && /opt/group-gateway/bin/pip install --no-deps --require-hashes -r constraints.txt \
    && python -m venv /opt/build \
    && /opt/build/bin/pip install --no-deps --require-hashes -r build.txt
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
# The build hook bundles GraphiQL with the Node.js that build.txt names.
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /opt/build/wheel . \
    && /opt/group-gateway/bin/pip install --no-deps /opt/build/wheel/*.whl \
    && /opt/group-gateway/bin/pip uninstall --yes pip

FROM python:3.13.11-slim-bookworm@sha256:20080e807bfc404f8450b185cf0fc95d553462673598549613735f70a5b4d5d0
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin gateway
COPY --from=build /opt/group-gateway /opt/group-gateway
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
