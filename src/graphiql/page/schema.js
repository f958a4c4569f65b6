// The schema as people see it. What federation adds for routers (`_entities`, `_service`, `@key` …)
// is no use to them: the docs, completion and the linter leave it out. The gateway still answers it.

// A name of its own, so that an introspection query that somebody runs is shown as it was answered.
export const SCHEMA_QUERY = 'SchemaForGraphiQL';

const EXECUTABLE = ['deprecated', 'specifiedBy', 'oneOf'];
const isPlumbing = (name) => /^_[^_]/.test(name); // `_entities`, `_Service`
const isOfSpecification = (name) => /.__/.test(name); // `link__Import`
const isOfClients = ({ name, locations }) =>
  EXECUTABLE.includes(name) || locations.some((location) => location === 'FIELD');

export function forPeople(answer) {
  const schema = answer.data?.__schema;
  if (!schema) return answer;
  const types = schema.types
    .filter(({ name }) => !isPlumbing(name) && !isOfSpecification(name))
    .map((type) => ({ ...type, fields: type.fields?.filter(({ name }) => !isPlumbing(name)) ?? null }));
  const directives = schema.directives.filter(isOfClients);
  return { ...answer, data: { __schema: { ...schema, types, directives } } };
}
