// A typed app on what graphql-codegen generates: checked by tsc, then run.

import assert from 'node:assert/strict';
import { Client, cacheExchange, fetchExchange } from '@urql/core';
import {
  type GroupCardFragment,
  GroupType,
  ListGroupsDocument,
  ReadGroupDocument,
  UpdateGroupDocument,
  type UpdateGroupInput,
} from './gql/graphql.ts';

const url = process.argv[2]!;
const id = '33104aa7-e3ae-4650-bdac-04bfae8365bc';
const client = new Client({
  url,
  exchanges: [cacheExchange, fetchExchange],
  fetchOptions: { headers: { authorization: 'Bearer sandbox' } },
});

async function read(): Promise<GroupCardFragment> {
  const { data } = await client.query(ReadGroupDocument, { id }).toPromise();
  return data!.group!;
}

async function update(input: Omit<UpdateGroupInput, 'id'>) {
  const { data } = await client.mutation(UpdateGroupDocument, { input: { id, ...input } });
  return data!.updateGroup!;
}

const filter = { type: GroupType.Practitioner };
const { data } = await client.query(ListGroupsDocument, { filter, first: 2 }).toPromise();
const names: (string | null)[] = data!.groups!.edges.map((edge) => edge.node.name);
assert.equal(names.length, 2);

// @ts-expect-error: what was not asked for is not there
assert.equal((await read()).resourceType, undefined);

const { version } = await read();
const { group } = await update({ name: 'Kidney clinic', ifVersion: version });
assert.equal(group?.name, 'Kidney clinic');
const { issues } = await update({ name: 'Too late', ifVersion: version });
assert.deepEqual(
  issues.map((issue) => issue.code),
  ['conflict'],
);
