# The image that runs `gatehouse serve` on a configuration mounted at /etc/gatehouse, with its store in /var/lib/gatehouse.
#
#   docker build -t gatehouse .
#   docker run -v "$PWD/my-gateway:/etc/gatehouse:ro" -v gatehouse-data:/var/lib/gatehouse -p 8080:8080 gatehouse
#
# In gatehouse.yaml listen on 0.0.0.0 and put the store and the master key below /var/lib/gatehouse.

FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /opt/gatehouse
COPY --from=build /src/package.json ./
COPY --from=build /src/node_modules ./node_modules
COPY --from=build /src/dist ./dist
COPY public ./public
COPY scripts/gatehouse.mjs ./scripts/gatehouse.mjs
RUN install -d -o node -g node -m 0700 /var/lib/gatehouse
USER node
VOLUME /var/lib/gatehouse
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--max-semi-space-size=16", "--heap-growing-percent=50", "--no-allocation-site-pretenuring", "scripts/gatehouse.mjs"]
CMD ["serve", "--config", "/etc/gatehouse"]
