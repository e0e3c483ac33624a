# syntax=docker/dockerfile:1
# The base image. Pin it here: node:24.11-bookworm-slim@sha256:<digest> (docs/deployment.md, "Pin the images").
ARG NODE_IMAGE=node:24.11-bookworm-slim

# Compiles with all dependencies; only dist/ of this stage is shipped.
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts
COPY nest-cli.json tsconfig.json tsconfig.build.json ./
COPY libs libs
COPY apps apps
RUN npm run build

# The dependencies of production: no compiler, no test tools, no embedded Postgres.
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="prism-gateway" \
      org.opencontainers.image.description="Batch-update gateway: up to 100 records patched in one request, each in its own transaction, each exactly once"
# METRICS_HOST: a container has its own network, so the admin port listens on all addresses; do not publish it.
# NODE_OPTIONS: half of the memory limit is for the V8 heap, the rest for buffers and native memory. Otherwise V8 would use 256 MiB
# for the heap in a container of 256 MiB, and the kernel would kill the process. Always set a memory limit.
ENV NODE_ENV=production \
    METRICS_HOST=0.0.0.0 \
    NODE_OPTIONS=--max-old-space-size-percentage=50
WORKDIR /app
# Files owned by root, process run by node: the program cannot change itself.
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
USER node
# The API, and the admin port with /metrics. Never publish the admin port.
EXPOSE 3000 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/ready`).then((response) => process.exit(response.ok ? 0 : 1), () => process.exit(1))"]
# Exec form: Node is process 1 and receives the SIGTERM that starts the drain. Other programs of the image:
# dist/apps/worker/main.js (imports, lookups, retention), dist/apps/admin/main.js (teams, keys, migrate).
CMD ["node", "dist/apps/gateway/main.js"]
