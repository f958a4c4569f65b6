// The operations of `operations.graphql` by name, each a document with the fragments it uses.

import { readFileSync } from 'node:fs';
import { parse, separateOperations } from 'graphql';

const text = readFileSync(new URL('operations.graphql', import.meta.url), 'utf8');

export const { ReadGroup, ListGroups, ListMembers, UpdateGroup } = separateOperations(parse(text));
export const [url] = process.argv.slice(2);
export const authorization = 'Bearer sandbox';
export const TEST_GROUP = '33104aa7-e3ae-4650-bdac-04bfae8365bc';
export const MEDIUM_GROUP = '8c41e7d2-0b6f-4935-9e2a-7d5f1c3b8064';
export const teams = { filter: { type: 'PRACTITIONER' } };
