# An image of the binary that release/build made, and nothing else.
FROM scratch
ARG ARCHITECTURE=x86_64
COPY target/dist/keyward-*-${ARCHITECTURE}-unknown-linux-gnu /keyward
ENV KEYWARD_STORE=/data/keyward.db
USER 65532:65532
ENTRYPOINT ["/keyward"]
