// graphql-ws, graphql-sse, and Apollo Client over both: they subscribe, hear of writes, meet errors.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { createClient as createEventsClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import * as app from './operations.mjs';

const CHANGES = `subscription Changes($id: ID!, $since: String) {
  groupChanged(id: $id, sinceVersion: $since) { id name version }
}`;
const variables = { id: app.TEST_GROUP, since: 'long ago' };
const socketUrl = app.url.replace(/^http/, 'ws');

const overSocket = (authorization = app.authorization) =>
  createSocketClient({ url: socketUrl, connectionParams: { authorization }, retryAttempts: 0 });

const overEvents = (authorization = app.authorization) =>
  createEventsClient({ url: app.url, headers: { authorization }, retryAttempts: 0 });

async function rename(name) {
  const query = 'mutation ($input: UpdateGroupInput!) { updateGroup(input: $input) { issues { code } } }';
  const response = await fetch(app.url, {
    method: 'POST',
    headers: { authorization: app.authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { input: { id: app.TEST_GROUP, name } } }),
  });
  assert.deepEqual((await response.json()).data.updateGroup.issues, []);
}

for (const [way, connect] of [['graphql-ws', overSocket], ['graphql-sse', overEvents]]) {
  test(`${way} hears of changes, and ends`, async () => {
    const client = connect();
    const answers = client.iterate({ query: CHANGES, variables });
    const first = (await answers.next()).value;
    assert.equal(first.data.groupChanged.id, app.TEST_GROUP);
    await rename(`Heard over ${way}`);
    assert.equal((await answers.next()).value.data.groupChanged.name, `Heard over ${way}`);
    await answers.return();
    const gone = client.iterate({ query: CHANGES, variables: { id: 'no-such-group' } });
    assert.deepEqual((await gone.next()).value.data, { groupChanged: null });
    assert.equal((await gone.next()).done, true);
    await client.dispose();
  });

  test(`${way} asks queries too`, async () => {
    const client = connect();
    const query = `{ group(id: "${app.TEST_GROUP}") { id } }`;
    const answer = (await client.iterate({ query }).next()).value;
    assert.deepEqual(answer, { data: { group: { id: app.TEST_GROUP } } });
    await client.dispose();
  });
}

test('a token that the upstream refuses is an error with its code', async () => {
  const code = (errors) => errors[0].extensions.code;
  const client = overSocket('Bearer wrong');
  await assert.rejects(client.iterate({ query: CHANGES, variables }).next(), (errors) => {
    assert.equal(code(errors), 'UNAUTHENTICATED');
    return true;
  });
  await client.dispose();
  const events = overEvents('Bearer wrong').iterate({ query: CHANGES, variables });
  assert.equal(code((await events.next()).value.errors), 'UNAUTHENTICATED');
  assert.equal((await events.next()).done, true);
});

test('without a token the connection is refused', async () => {
  const client = createSocketClient({ url: socketUrl, retryAttempts: 0 });
  const refused = client.iterate({ query: CHANGES, variables }).next();
  await assert.rejects(refused, (event) => event.code === 4403);
});

test("graphql-sse's single connection mode is refused, in words that name the other one", async () => {
  const headers = { authorization: app.authorization };
  const client = createEventsClient({ url: app.url, headers, retryAttempts: 0, singleConnection: true });
  const subscribed = client.iterate({ query: CHANGES, variables }).next();
  await assert.rejects(subscribed, ({ response }) => response.status === 405);
  const refused = await (await fetch(app.url, { method: 'PUT', headers })).json();
  assert.match(refused.errors[0].message, /distinct connections mode/);
});

test('Apollo Client splits by operation, and its cache has what a subscription tells', async () => {
  const socket = overSocket();
  const link = ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    new HttpLink({ uri: app.url, headers: { authorization: app.authorization } }),
  );
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const { data } = await client.query({ query: app.ReadGroup, variables: { id: app.TEST_GROUP } });
  const told = new Promise((resolve, reject) => {
    client
      .subscribe({ query: gql(CHANGES), variables: { ...variables, since: data.group.version } })
      .subscribe({ next: resolve, error: reject });
  });
  await rename('Heard by Apollo');
  assert.equal((await told).data.groupChanged.name, 'Heard by Apollo');
  assert.equal(client.cache.extract()[`Group:${app.TEST_GROUP}`].name, 'Heard by Apollo');
  client.stop();
  await socket.dispose();
});
