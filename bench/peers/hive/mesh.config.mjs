import { defineConfig } from '@graphql-mesh/compose-cli';
import { loadJSONSchemaSubgraph } from '@omnigraph/json-schema';
const str = { type: 'string' }, bool = { type: 'boolean' };
const obj = (title, properties) => ({ type: 'object', title, properties });
const list = items => ({ type: 'array', items });
const concept = obj('CodeableConcept', { text: str });
const group = obj('Group', {
  id: str, resourceType: str, type: str, actual: bool, name: str, quantity: { type: 'integer' },
  member: list(obj('Member', { entity: obj('Reference', { reference: str, type: str }), inactive: bool })),
  characteristic: list(obj('Characteristic', { code: concept, valueCodeableConcept: concept, exclude: bool })),
});
const bundle = obj('Bundle', { entry: list(obj('Entry', { resource: group })) });
export const composeConfig = defineConfig({
  subgraphs: [{ sourceHandler: loadJSONSchemaSubgraph('groups', {
    endpoint: 'http://upstream.test',
    operations: [
      { type: 'Query', field: 'group', method: 'GET', path: '/Group/{args.id}', argTypeMap: { id: { type: 'string' } }, responseSchema: group },
      { type: 'Query', field: 'groups', method: 'GET', path: '/Group', responseSchema: bundle,
        argTypeMap: { count: { type: 'integer' }, offset: { type: 'integer' } },
        queryParamArgMap: { _count: 'count', _offset: 'offset' } },
    ],
  }) }],
});
