// A supergraph as a platform runs it: the gateway's subgraph, one of patients and one of
// practitioners, composed, behind `@apollo/gateway`. Prints `READY <its address>`. A request with
// the header `x-trace` is answered with the traces of all subgraphs, as Apollo's own reports have them.
//
//     node supergraph.mjs ADDRESS-OF-THE-GATEWAY SCHEMA ROUTER-KEY

import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled';
import { startStandaloneServer } from '@apollo/server/standalone';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { Trace } from '@apollo/usage-reporting-protobuf';
import { compose, subgraphs } from './compose.mjs';

const ANY_PORT = { host: '127.0.0.1', port: 0 };
const named = ({ id }) => ({ id, name: `Name of ${id}` });
const page = { hasNextPage: false, hasPreviousPage: false };

const resolvers = {
  patients: {
    Query: {
      patient: (_, { id }) => named({ id }),
      patients: (_, { ids }) => ({ nodes: ids.map((id) => named({ id })), pageInfo: page }),
    },
    Patient: {
      __resolveReference: named,
      maritalStatus: () => ({ coding: [{ code: 'M' }], text: 'Married' }),
    },
  },
  practitioners: {
    Query: { practitioner: (_, { id }) => named({ id }) },
    Practitioner: {
      __resolveReference: named,
      bookmarks: (_, { ids }) => ids.map((id) => ({ id })),
    },
  },
};

async function listen(server, context) {
  const { url } = await startStandaloneServer(server, { listen: ANY_PORT, context });
  return url;
}

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

const [address, schemaFile, routerKey] = process.argv.slice(2);

/** Passes the caller's token on, and proves that it is the router, as a platform's does. */
class Subgraph extends RemoteGraphQLDataSource {
  willSendRequest({ request, context }) {
    request.http.headers.set('x-router-key', routerKey);
    if (context.authorization) request.http.headers.set('authorization', context.authorization);
  }
}

const urls = { groups: `${address}/graphql` };
for (const { name, typeDefs } of subgraphs(schemaFile)) {
  if (!resolvers[name]) continue;
  const schema = buildSubgraphSchema({ typeDefs, resolvers: resolvers[name] });
  urls[name] = await listen(
    new ApolloServer({ schema, plugins: [ApolloServerPluginInlineTraceDisabled()] }),
  );
}

const { supergraphSdl, errors } = compose('apollo', subgraphs(schemaFile, urls));
if (errors) throw new Error(errors.join('\n'));
const gateway = new ApolloGateway({
  supergraphSdl,
  buildService: ({ url }) => new Subgraph({ url }),
});
const url = await listen(new ApolloServer({ gateway, plugins: [traces] }), async ({ req }) => ({
  authorization: req.headers.authorization,
}));
process.stdout.write(`READY ${url}\n`);
