// Answers in parts: Apollo Client, urql and meros (which GraphiQL reads with) ask for a group's
// members first and for what else these are in later, from an upstream that takes its time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQL17Alpha9Handler } from '@apollo/client/incremental';
import { Client, fetchExchange } from '@urql/core';
import { parse } from 'graphql';
import { meros } from 'meros/browser';
import * as app from './operations.mjs';

const text = `query ($id: ID!) {
  group(id: $id) { id name member { entity { reference resource { ... on Patient {
    id ... @defer { groups { nodes { id name } } }
  } } } } }
}`;
const streamed = `{ groups(first: 9) { nodes @stream(initialCount: 2) { id name } } }`;
const broken = `{ __typename ... @defer { group(id: "!") { id } } }`;
const variables = { id: app.TEST_GROUP };

/** Says which of the group's people already have their groups. */
const known = (data) =>
  data.group.member.map((member) => member.entity.resource.groups !== undefined);

const apollo = () =>
  new ApolloClient({
    link: new HttpLink({ uri: app.url, headers: { authorization: app.authorization } }),
    cache: new InMemoryCache(),
    incrementalHandler: new GraphQL17Alpha9Handler(),
  });

/** Gives all results of a query, up to the last. */
const watched = (client, options) =>
  new Promise((resolve, reject) => {
    const seen = [];
    client.watchQuery(options).subscribe({
      next(result) {
        if (result.data !== undefined) seen.push(result);
        if (result.error) reject(result.error);
        if (result.dataState === 'complete' && !result.loading) resolve(seen);
      },
      error: reject,
    });
  });

test('Apollo Client shows what was deferred when it comes', async () => {
  const client = apollo();
  const seen = await watched(client, { query: parse(text), variables });
  assert.deepEqual(known(seen[0].data), [false, false, false]);
  assert.equal(seen[0].dataState, 'streaming');
  assert.deepEqual(known(seen.at(-1).data), [true, true, true]);
  const kept = client.readQuery({ query: app.ReadGroup, variables, returnPartialData: true });
  assert.equal(kept.group.name, 'Test Group');
});

test('Apollo Client appends what was streamed', async () => {
  const seen = await watched(apollo(), { query: parse(streamed) });
  assert.equal(seen[0].data.groups.nodes.length, 2);
  const ids = seen.at(-1).data.groups.nodes.map((node) => node.id);
  assert.equal(new Set(ids).size, 9);
});

test('Apollo Client learns of an error in a part', async () => {
  await assert.rejects(watched(apollo(), { query: parse(broken) }), (error) => {
    assert.ok(CombinedGraphQLErrors.is(error), String(error));
    assert.equal(error.errors[0].extensions.code, 'BAD_USER_INPUT');
    return true;
  });
});

test('Apollo Client is given the whole answer in a form of parts that is not ours', async () => {
  const accept = 'multipart/mixed;deferSpec=20220824,application/json';
  const link = new HttpLink({
    uri: app.url,
    headers: { authorization: app.authorization, accept },
  });
  const client = new ApolloClient({
    link,
    cache: new InMemoryCache(),
    incrementalHandler: new GraphQL17Alpha9Handler(),
  });
  const { data } = await client.query({ query: parse(text), variables });
  assert.deepEqual(known(data), [true, true, true]);
});

/** Gives all results of a query, up to the last. */
function results(query, given = {}) {
  const client = new Client({
    url: app.url,
    exchanges: [fetchExchange],
    preferGetMethod: false,
    fetchOptions: { headers: { authorization: app.authorization } },
  });
  return new Promise((resolve) => {
    const seen = [];
    client.query(query, given).subscribe((result) => {
      seen.push(structuredClone({ data: result.data, error: result.error?.graphQLErrors }));
      if (!result.hasNext) resolve(seen);
    });
  });
}

test('urql shows what was deferred when it comes', async () => {
  const seen = await results(text, variables);
  assert.deepEqual(known(seen[0].data), [false, false, false]);
  assert.deepEqual(known(seen.at(-1).data), [true, true, true]);
});

test('urql learns of an error in a part', async () => {
  const failed = await results(broken);
  assert.equal(failed.at(-1).error[0].extensions.code, 'BAD_USER_INPUT');
});

test('meros reads each part as it comes', async () => {
  const response = await fetch(app.url, {
    method: 'POST',
    headers: {
      accept: 'application/json, multipart/mixed',
      authorization: app.authorization,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ query: text, variables }),
  });
  const seen = [];
  for await (const part of await meros(response)) {
    assert.ok(part.json);
    seen.push(part.body);
  }
  assert.deepEqual(known(seen[0].data), [false, false, false]);
  assert.equal(seen[0].pending.length, 3);
  assert.deepEqual(seen.map((part) => part.hasNext).lastIndexOf(true), seen.length - 2);
  const deferred = seen.flatMap((part) => part.incremental ?? []);
  assert.equal(deferred.length, 3);
});
