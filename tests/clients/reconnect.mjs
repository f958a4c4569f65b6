// The clients of docs/react.md and docs/subscriptions.md outlive a gateway that is away.
//
//     node reconnect.mjs ADDRESS GROUP

import assert from 'node:assert/strict';
import { gql } from '@apollo/client';
import { createClient } from 'graphql-ws';
import { connect } from './client.mts';
import { resilient } from './resilient.mjs';

const [url, id] = process.argv.slice(2);
const filter = { id: [id] };
const LIST = gql`query List($filter: GroupFilter) {
  groups(filter: $filter) { edges { node { id name version } } pageInfo { hasNextPage endCursor } }
}`;
const CHANGES = gql`subscription Changes($filter: GroupFilter) {
  groupsChanged(filter: $filter) { id group { id name version } }
}`;

const client = connect(url, 'sandbox');
client.subscribe({ query: CHANGES, variables: { filter } }).subscribe({
  next: ({ data }) => console.log(`event ${data.groupsChanged.group.name}`),
  error: (error) => assert.fail(`the subscription ended: ${error}`),
});
client.watchQuery({ query: LIST, variables: { filter } }).subscribe({
  next: ({ data }) => {
    if (data) console.log(`list ${data.groups.edges[0].node.name}`);
  },
});

async function readAgain() {
  const headers = { authorization: 'Bearer sandbox', 'content-type': 'application/json' };
  const body = JSON.stringify({ query: `{ group(id: "${id}") { name } }` });
  const response = await fetch(url, { method: 'POST', headers, body });
  console.log(`read again ${(await response.json()).data.group.name}`);
}

const socket = createClient({
  url: url.replace(/^http/, 'ws'),
  connectionParams: { authorization: 'Bearer sandbox' },
  ...resilient(readAgain),
});
const query = `subscription { groupsChanged(ids: ["${id}"], filter: { type: PERSON }) { group { name } } }`;
for await (const { data } of socket.iterate({ query })) {
  console.log(`plain event ${data.groupsChanged.group.name}`);
}
