# One image for every stage: Node, the production dependencies, and the sources as they are (Node strips the types).
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# One that is both optional and for development would be left out with the latter.
RUN npm pkg delete devDependencies \
    && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error \
    && find node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -delete

FROM node:24-bookworm-slim
# Where volumes go: a new one takes the owner of the folder that it covers.
RUN mkdir -p /data /telegraf && chown node:node /data /telegraf
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY . .
ENV NODE_ENV=production
USER node
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "cli/main.ts"]
CMD ["--help"]
