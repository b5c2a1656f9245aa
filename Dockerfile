# One image for every stage: the tarball of `npm pack`, with the production dependencies that package-lock.json names.
FROM node:24-bookworm-slim AS package
WORKDIR /source
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
COPY . .
RUN node scripts/package/build.ts && npm pack --ignore-scripts --loglevel=error --pack-destination /tmp \
    && mkdir /app && tar -xzf /tmp/gapline-*.tgz --strip-components=1 -C /app \
    && chmod +x /app/dist/cli/bin/gapline.cjs && cp package-lock.json /app/
WORKDIR /app
# One that is both optional and for development would be left out with the latter.
RUN npm pkg delete devDependencies \
    && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error \
    && find node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -delete

FROM node:24-bookworm-slim
# Where volumes go: a new one takes the owner of the folder that it covers.
RUN mkdir -p /data /telegraf && chown node:node /data /telegraf && ln -s /app/dist/cli/bin/gapline.cjs /usr/local/bin/gapline
WORKDIR /app
COPY --from=package /app .
ENV NODE_ENV=production
USER node
ENTRYPOINT ["gapline"]
CMD ["--help"]
