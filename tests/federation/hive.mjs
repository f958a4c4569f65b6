// Hive Gateway, with the configuration of docs/supergraph.md.

import { createServer } from 'node:http';
import { createGatewayRuntime } from '@graphql-hive/gateway';

/** Serves a supergraph on any free port; returns the address. */
export async function serveByHive(supergraph) {
  const runtime = createGatewayRuntime({
    supergraph,
    propagateHeaders: {
      fromClientToSubgraphs: ({ request, subgraphName }) => {
        const authorization = request.headers.get('authorization');
        return subgraphName === 'groups' && authorization ? { authorization } : {};
      },
    },
    maskedErrors: false,
    logging: 'error',
  });
  const server = createServer(runtime);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${server.address().port}/graphql`;
}
