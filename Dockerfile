# The image is the program, a user to run it and nothing else: no shell, no package manager, no
# system library. `make image` builds it here, `docker build .` everywhere.
#
# Build arguments: userid and groupid of the user; ICHNAEA_SOURCE, ICHNAEA_COMMIT and ICHNAEA_BUILD
# for /__version__; FILES=given takes the files that `scripts/image` laid out in target/image
# instead of compiling.

ARG FILES=compiled

# What browsers load; the same for every processor.
FROM --platform=$BUILDPLATFORM node:22-bookworm-slim AS site
WORKDIR /site
COPY site/package.json site/package-lock.json site/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY site/ ./
RUN npm run build -- --outDir /dist

# Compiles on the processor of the machine at hand, for the one that is asked for.
FROM --platform=$BUILDPLATFORM rust:1.95-bookworm AS compiled
ARG TARGETARCH
# hadolint ignore=DL3008
RUN if [ "$TARGETARCH" != "$(dpkg --print-architecture)" ]; then \
      case $TARGETARCH in amd64) gcc=x86-64 ;; *) gcc=aarch64 ;; esac; \
      apt-get update; \
      apt-get install -y --no-install-recommends "gcc-$gcc-linux-gnu" "libc6-dev-$TARGETARCH-cross"; \
      rm -rf /var/lib/apt/lists/*; \
    fi
WORKDIR /src
COPY . .
COPY --from=site /dist/ /dist/
ENV ICHNAEA_SITE_DIST=/dist
ARG ICHNAEA_SOURCE=
ARG ICHNAEA_COMMIT=unknown
ARG ICHNAEA_BUILD=unknown
ARG userid=10001
ARG groupid=10001
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,id=ichnaea-target-$TARGETARCH,target=/src/target \
    scripts/image-binary "$TARGETARCH" /tmp/ichnaea \
    && scripts/image-root /tmp/ichnaea /image "$userid" "$groupid"

FROM scratch AS given
ARG TARGETARCH
COPY target/image/$TARGETARCH/ /image/

# hadolint ignore=DL3006
FROM $FILES AS files

FROM scratch
ARG version=0.1.0
ARG ICHNAEA_SOURCE=
ARG ICHNAEA_COMMIT=unknown
ARG userid=10001
ARG groupid=10001
LABEL org.opencontainers.image.title="ichnaea" \
      org.opencontainers.image.description="A network geolocation service" \
      org.opencontainers.image.version="$version" \
      org.opencontainers.image.revision="$ICHNAEA_COMMIT" \
      org.opencontainers.image.source="$ICHNAEA_SOURCE" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=files --chown=0:0 /image/root/ /
COPY --from=files --chown=$userid:$groupid /image/app/ /app/
COPY --from=files --chown=$userid:$groupid /image/run/ /var/run/location/
ENV PATH=/usr/local/bin HOME=/app
WORKDIR /app
USER $userid:$groupid
EXPOSE 8000
# The first process knows its role and its port; a role that does not listen is healthy as long as
# it runs.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["/usr/local/bin/ichnaea", "healthcheck", "--first-process"]
ENTRYPOINT ["/usr/local/bin/ichnaea"]
CMD ["shell"]
