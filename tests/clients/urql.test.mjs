// urql: what it reads, keeps, pages, writes, and makes of errors and conflicts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, cacheExchange, fetchExchange, gql } from '@urql/core';
import * as app from './operations.mjs';

function connect(authorization = app.authorization) {
  return new Client({
    url: app.url,
    exchanges: [cacheExchange, fetchExchange],
    fetchOptions: { headers: { authorization } },
  });
}

const read = (client) => client.query(app.ReadGroup, { id: app.TEST_GROUP }).toPromise();

const rename = (client, input) =>
  client.mutation(app.UpdateGroup, { input: { id: app.TEST_GROUP, ...input } }).toPromise();

async function succeeded(operation) {
  const { data, error } = await operation;
  assert.equal(error, undefined);
  return data;
}

test('a write makes it read again what it had kept', async () => {
  const client = connect();
  await succeeded(read(client));
  assert.equal((await read(client)).operation.context.meta.cacheOutcome, 'hit');
  const { updateGroup } = await succeeded(rename(client, { name: 'Kidney clinic' }));
  assert.deepEqual(updateGroup.issues, []);
  assert.equal((await succeeded(read(client))).group.name, 'Kidney clinic');
});

test('pages follow each other', async () => {
  const client = connect();
  const ids = [];
  let page = { hasNextPage: true, endCursor: null };
  while (page.hasNextPage) {
    const variables = { ...app.teams, first: 8, after: page.endCursor };
    const { groups } = await succeeded(client.query(app.ListGroups, variables).toPromise());
    ids.push(...groups.edges.map((edge) => edge.node.id));
    page = groups.pageInfo;
  }
  assert.equal(ids.length, 20);
  assert.equal(new Set(ids).size, 20);
});

test('a conflict is data, with the group as others left it', async () => {
  const client = connect();
  const { version } = (await succeeded(read(client))).group;
  await succeeded(rename(connect(), { name: 'By a colleague' }));
  const late = rename(client, { name: 'Too late', ifVersion: version });
  const { issues, group } = (await succeeded(late)).updateGroup;
  assert.deepEqual(issues.map((issue) => issue.code), ['conflict']);
  assert.equal(group.name, 'By a colleague');
});

test('errors have their codes, of fields and of whole requests', async () => {
  const codes = ({ error }) => error.graphQLErrors.map((each) => each.extensions.code);
  assert.deepEqual(codes(await read(connect('Bearer wrong'))), ['UNAUTHENTICATED']);
  const query = gql`{ group(id: "1") { noSuchField } }`;
  const refused = await connect().query(query, {}).toPromise();
  assert.deepEqual(codes(refused), ['GRAPHQL_VALIDATION_FAILED']);
});

test('what it sends as GETs is answered too', async () => {
  const client = connect();
  const options = { preferGetMethod: 'force' };
  const asked = client.query(app.ReadGroup, { id: app.MEDIUM_GROUP }, options).toPromise();
  assert.equal((await succeeded(asked)).group.quantity, 1000);
});
