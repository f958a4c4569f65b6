// Asks Medplum's GraphQL: reads {"resources", "questions"} as JSON from standard input, stores the
// resources in memory, and prints the answers in the questions' order.

import { text } from 'node:stream/consumers';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';
import { loadDefinitions } from './definitions.js';

loadDefinitions();
const { resources, questions } = JSON.parse(await text(process.stdin));
const router = new FhirRouter({ introspectionEnabled: true });
const repository = new MemoryRepository();
for (const resource of resources) {
  await repository.createResource(resource);
}
const answers = [];
for (const query of questions) {
  answers.push(await ask(query));
}
process.stdout.write(JSON.stringify(answers));

async function ask(query) {
  const request = { method: 'POST', url: '$graphql', pathname: '', params: {}, query: {}, body: { query } };
  const [outcome, answer] = await router.handleRequest(request, repository);
  return answer ?? { errors: outcome.issue.map((issue) => ({ message: issue.details?.text })) };
}
