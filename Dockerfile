# syntax=docker/dockerfile:1
ARG NODE_IMAGE=node:24.11-bookworm-slim

# Compiles with everything; nothing of this stage but dist/ is shipped.
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts
COPY nest-cli.json tsconfig.json tsconfig.build.json ./
COPY libs libs
COPY apps apps
RUN npm run build

# What runs needs: no compiler, no test tools, no embedded Postgres.
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="prism-gateway" \
      org.opencontainers.image.description="Batch-update gateway: up to 100 records patched in one request, each in its own transaction, each exactly once"
ENV NODE_ENV=production
WORKDIR /app
# Owned by root, run by node: the program cannot change itself.
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
USER node
# The API, and the admin port with /metrics, which belongs inside the cluster only.
EXPOSE 3000 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/ready`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Exec form: Node is process 1 and gets the SIGTERM that starts the drain. Other programs of the image:
# dist/apps/worker/main.js (retention), dist/apps/admin/main.js (teams, keys, migrate).
CMD ["node", "dist/apps/gateway/main.js"]
