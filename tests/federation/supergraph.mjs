// A supergraph as a platform runs it: the gateway's subgraph, one of patients and one of
// practitioners, composed, behind `@apollo/gateway` or Hive Gateway. Prints `READY <its address>`.
//
//     node supergraph.mjs apollo|hive ADDRESS-OF-THE-GATEWAY SCHEMA ROUTER-KEY

import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled';
import { startStandaloneServer } from '@apollo/server/standalone';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { serveByApollo } from './apollo.mjs';
import { compose, subgraphs } from './compose.mjs';
import { serveByHive } from './hive.mjs';

const ANY_PORT = { host: '127.0.0.1', port: 0 };
const named = ({ id }) => ({ id, name: `Name of ${id}`, identifier: [], generalPractitioner: [] });
const page = { hasNextPage: false, hasPreviousPage: false };
const concept = { coding: [{ code: 'M' }], text: 'Married' };
const organization = { reference: 'Organization/1', display: 'Clinic', identifier: { value: '1' } };

const resolvers = {
  patients: {
    Query: {
      patient: (_, { id }) => named({ id }),
      patients: (_, { ids }) => ({ nodes: ids.map((id) => named({ id })), pageInfo: page }),
    },
    Patient: {
      __resolveReference: named,
      maritalStatus: () => concept,
      managingOrganization: () => organization,
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

const [router, address, schemaFile, routerKey] = process.argv.slice(2);

const urls = { groups: `${address}/graphql` };
for (const { name, typeDefs } of subgraphs(schemaFile)) {
  if (!resolvers[name]) continue;
  const schema = buildSubgraphSchema({ typeDefs, resolvers: resolvers[name] });
  const server = new ApolloServer({ schema, plugins: [ApolloServerPluginInlineTraceDisabled()] });
  urls[name] = (await startStandaloneServer(server, { listen: ANY_PORT })).url;
}

const { composer, serve } = {
  apollo: { composer: 'apollo', serve: serveByApollo },
  hive: { composer: 'guild', serve: serveByHive },
}[router];
const { supergraphSdl, errors } = compose(composer, subgraphs(schemaFile, urls));
if (errors) throw new Error(errors.join('\n'));
process.stdout.write(`READY ${await serve(supergraphSdl, routerKey)}\n`);
