// `@apollo/gateway`. A request with the header `x-trace` is answered with the traces of all
// subgraphs, as Apollo's own reports have them.

import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { Trace } from '@apollo/usage-reporting-protobuf';

const traces = {
  async requestDidStart({ request, metrics }) {
    metrics.captureTraces = request.http.headers.has('x-trace');
    return {
      async willSendResponse({ response }) {
        if (!metrics.queryPlanTrace) return;
        const queryPlan = Trace.QueryPlanNode.toObject(metrics.queryPlanTrace);
        response.body.singleResult.extensions = { queryPlan };
      },
    };
  },
};

/** Serves a supergraph on any free port; returns the address. */
export async function serveByApollo(supergraphSdl, routerKey) {
  /** Passes the caller's token on, and proves that it is the router, as a platform's does. */
  class Subgraph extends RemoteGraphQLDataSource {
    willSendRequest({ request, context }) {
      request.http.headers.set('x-router-key', routerKey);
      if (context.authorization) request.http.headers.set('authorization', context.authorization);
    }
  }
  const gateway = new ApolloGateway({
    supergraphSdl,
    buildService: ({ url }) => new Subgraph({ url }),
  });
  const { url } = await startStandaloneServer(new ApolloServer({ gateway, plugins: [traces] }), {
    listen: { host: '127.0.0.1', port: 0 },
    context: async ({ req }) => ({ authorization: req.headers.authorization }),
  });
  return url;
}
