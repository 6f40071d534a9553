# The final stage has Bun, a bundle and its files, but no shell and no package manager.
ARG BUN=oven/bun:1.4.5

# On the machine that builds, whatever it builds for: the bundle is the same for every processor. The builder that came
# before BuildKit does not say what the machine is.
FROM --platform=${BUILDPLATFORM:-linux/amd64} ${BUN}-slim AS build
# The packages are in the bundle, where no scanner finds them: the bill of materials names those of this stage as well.
ARG BUILDKIT_SBOM_SCAN_STAGE=true
WORKDIR /build
# Before the sources, so that a change to them does not install again.
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile --production --ignore-scripts
COPY src src
COPY drizzle drizzle
# Not minified: Elysia reads the text of its handlers. In chunks, so that PGlite is read only where it is used, and with
# source maps, so that a stack in the log names the sources.
RUN bun build src/main.ts --target=bun --splitting --sourcemap=linked --outdir=/image/app/server/dist
# Files that the service opens while it runs. The bundle looks for those of PGlite beside itself, the archive in `../dist`, the
# migrations in `../../drizzle`, and the three of the docs page in their package.
RUN cd node_modules/@electric-sql \
 && cp pglite/dist/pglite.wasm pglite/dist/pglite.data pglite/dist/initdb.wasm \
       pglite-prepopulatedfs/dist/prepopulatedfs.tgz /image/app/server/dist \
 && cd ../swagger-ui-dist \
 && mkdir -p /image/app/node_modules/swagger-ui-dist \
 && cp package.json LICENSE NOTICE swagger-ui.css swagger-ui-bundle.js favicon-32x32.png \
       /image/app/node_modules/swagger-ui-dist \
 && cp -r /build/drizzle /image/app \
 # A checkout with a strict umask must be readable for the user of the image as well.
 && chmod -R a+rX /image/app \
 # A new volume takes over this mode, so that the container can run as any user.
 && mkdir -m 1777 /image/data

FROM ${BUN}-distroless
ARG BUN
ARG VERSION=dev
ARG REVISION=unknown
# The address of the source and the time are those of a release: .github/workflows/release.yml adds them.
LABEL org.opencontainers.image.title="Todo API" \
      org.opencontainers.image.description="A multi-user task service over HTTP: Bun, Elysia, Drizzle, PostgreSQL" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="docker.io/${BUN}-distroless"
COPY --from=build /image /
# The grace time ends before the 10 seconds of `docker stop`, so that the service can close the database.
# Bun collects garbage once the heap has grown by 0.6 of its live size (its default is three times that), and all of it once
# new objects have less than a quarter of the heap left: a third less memory. One thread marks live objects; more would take
# processors from requests, and the slowest hundredth of them would take a quarter longer. test/bench/LOG.md has the figures;
# the script `start` in package.json sets the same.
ENV NODE_ENV=production \
    BUN_JSC_heapGrowthMaxIncrease=0.6 \
    BUN_JSC_numberOfGCMarkers=1 \
    BUN_JSC_minEdenToOldGenerationRatio=0.25 \
    HOST=0.0.0.0 \
    PORT=3000 \
    DATA_DIR=/data \
    SHUTDOWN_GRACE_SECONDS=7
WORKDIR /app
# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
VOLUME /data
EXPOSE 3000
# `node:http` and not `fetch`, which would go through a proxy that the environment names.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usr/local/bin/bun", "-e", "require('node:http').get(`http://127.0.0.1:${process.env.PORT}/health/ready`, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))"]
# Arguments come after it: `docker run todo-api migrate`.
ENTRYPOINT ["/usr/local/bin/bun", "/app/server/dist/main.js"]
