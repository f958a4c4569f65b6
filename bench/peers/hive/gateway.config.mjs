import { defineConfig } from '@graphql-hive/gateway';
const caching = !!process.env.CACHE;
export const gatewayConfig = defineConfig({
  supergraph: process.env.SUPERGRAPH,
  host: '127.0.0.1', port: +process.env.PORT, fork: 1,
  logging: 'warn', graphiql: false, landingPage: false,
  ...(caching ? { cache: { type: 'localforage' } } : {}),
  ...(caching ? { responseCaching: { session: () => null, ttl: 60_000 } } : {}),
});
