// Apollo Client by hashes: of the list of trusted documents that Apollo's tool wrote, or its own.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ApolloClient, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { generatePersistedQueryIdsFromManifest } from '@apollo/persisted-query-lists';
import * as app from './operations.mjs';

const [, file] = process.argv.slice(2);

function connect(hashes) {
  const sent = [];
  const observed = (url, options) => {
    sent.push(options.method === 'GET' ? null : JSON.parse(options.body).query);
    return fetch(url, options);
  };
  const { authorization } = app;
  const http = new HttpLink({ uri: app.url, fetch: observed, headers: { authorization } });
  const link = new PersistedQueryLink(hashes).concat(http);
  return { client: new ApolloClient({ link, cache: new InMemoryCache() }), sent };
}

const read = (client) =>
  client.query({ query: app.ReadGroup, variables: { id: app.TEST_GROUP }, fetchPolicy: 'no-cache' });

test('by ids of its list, and no text', { skip: !file }, async () => {
  const loadManifest = async () => JSON.parse(readFileSync(file, 'utf8'));
  const { client, sent } = connect(generatePersistedQueryIdsFromManifest({ loadManifest }));
  assert.equal((await read(client)).data.group.name, 'Test Group');
  const variables = { input: { id: app.TEST_GROUP, name: 'Kidney clinic' } };
  const { data } = await client.mutate({ mutation: app.UpdateGroup, variables });
  assert.deepEqual(data.updateGroup.issues, []);
  assert.deepEqual(sent, [undefined, undefined]);
});

test('by hashes, with the text once', { skip: Boolean(file) }, async () => {
  const sha256 = (text) => createHash('sha256').update(text).digest('hex');
  const { client, sent } = connect({ sha256, useGETForHashedQueries: true });
  for (let times = 0; times < 2; times += 1) {
    assert.equal((await read(client)).data.group.name, 'Test Group');
  }
  assert.deepEqual(
    sent.map((text) => typeof text),
    ['object', 'string', 'object'],
  );
});
