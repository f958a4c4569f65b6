// Apollo Client: what it reads, keeps, pages, writes, and makes of errors and conflicts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ApolloClient,
  CombinedGraphQLErrors,
  HttpLink,
  InMemoryCache,
  gql,
} from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import { filter, firstValueFrom } from 'rxjs';
import * as app from './operations.mjs';

function connect(authorization = app.authorization) {
  return new ApolloClient({
    link: new HttpLink({ uri: app.url, headers: { authorization } }),
    cache: new InMemoryCache({
      typePolicies: {
        Query: { fields: { groups: relayStylePagination(['filter']) } },
        Group: { fields: { members: relayStylePagination(['inactive']) } },
      },
    }),
  });
}

const read = (client, fetchPolicy) =>
  client.query({ query: app.ReadGroup, variables: { id: app.TEST_GROUP }, fetchPolicy });

const rename = (client, input) =>
  client.mutate({
    mutation: app.UpdateGroup,
    variables: { input: { id: app.TEST_GROUP, ...input } },
  });

test('a write shows wherever the group is in the cache, by its id', async () => {
  const client = connect();
  await read(client);
  await client.query({ query: app.ListGroups, variables: { filter: { id: [app.TEST_GROUP] } } });
  const { data } = await rename(client, { name: 'Kidney clinic' });
  assert.deepEqual(data.updateGroup.issues, []);
  assert.equal(client.cache.extract()[`Group:${app.TEST_GROUP}`].name, 'Kidney clinic');
  assert.equal((await read(client, 'cache-only')).data.group.name, 'Kidney clinic');
});

async function pages(query, variables, connection) {
  const client = connect();
  const asked = { query, variables: { ...variables, first: 8 } };
  const watched = client.watchQuery(asked);
  const subscription = watched.subscribe({});
  await firstValueFrom(watched.pipe(filter((result) => !result.loading)));
  const sizes = [];
  for (;;) {
    const { edges, pageInfo } = connection(client.readQuery(asked));
    sizes.push(edges.length);
    if (!pageInfo.hasNextPage || sizes.length === 3) {
      subscription.unsubscribe();
      return { sizes, edges };
    }
    await watched.fetchMore({ variables: { after: pageInfo.endCursor } });
  }
}

test('pages of groups become one list', async () => {
  const { sizes, edges } = await pages(app.ListGroups, app.teams, (d) => d.groups);
  assert.deepEqual(sizes, [8, 16, 20]);
  assert.equal(new Set(edges.map((edge) => edge.node.id)).size, 20);
});

test('pages of members become one list', async () => {
  const group = { id: app.MEDIUM_GROUP };
  const { sizes, edges } = await pages(app.ListMembers, group, (d) => d.group.members);
  assert.deepEqual(sizes, [8, 16, 24]);
  assert.equal(new Set(edges.map((edge) => edge.node.entity.reference)).size, 24);
});

test('a conflict is data, with the group as others left it', async () => {
  const client = connect();
  const { version } = (await read(client)).data.group;
  await rename(connect(), { name: 'By a colleague' });
  const { data } = await rename(client, { name: 'Too late', ifVersion: version });
  assert.deepEqual(
    data.updateGroup.issues.map((issue) => [issue.code, issue.inputPath]),
    [['conflict', ['ifVersion']]],
  );
  assert.equal((await read(client, 'cache-only')).data.group.name, 'By a colleague');
});

const codes = (...expected) => (error) => {
  assert.ok(CombinedGraphQLErrors.is(error), String(error));
  assert.deepEqual(error.errors.map((each) => each.extensions.code), expected);
  return true;
};

test('errors have their codes, of fields and of whole requests', async () => {
  await assert.rejects(read(connect('Bearer wrong')), codes('UNAUTHENTICATED'));
  const query = gql`{ group(id: "1") { noSuchField } }`;
  await assert.rejects(connect().query({ query }), codes('GRAPHQL_VALIDATION_FAILED'));
});
