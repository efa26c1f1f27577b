# What the steps of cloudbuild.yaml run in that need more than gcloud: Go, Node
# and Terraform. The rest is installed by .ci/install, and here beforehand.

FROM golang:1.26-bookworm AS go
FROM node:22-bookworm-slim AS node
FROM hashicorp/terraform:1.11 AS terraform

FROM gcr.io/google.com/cloudsdktool/google-cloud-cli:stable
COPY --from=go /usr/local/go /usr/local/go
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
COPY --from=terraform /bin/terraform /usr/local/bin/terraform
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
    && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \
    && apt-get update \
    && apt-get install --yes --no-install-recommends \
        check-pgbackrest chromium curl etcd-server gcc gh git haproxy libc6-dev \
        nginx-light openssl patroni pgbackrest pgbouncer postgresql prometheus \
        prometheus-node-exporter prometheus-postgres-exporter redis-server sqlite3 \
    && rm -rf /var/lib/apt/lists/*
ENV PATH=/usr/local/go/bin:$PATH
