// Sends operations to the interface that is shown, and nowhere else.
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { eventsClient } from './events.js';
import { isFhir, shown } from './interfaces.js';
import { SCHEMA_QUERY, forPeople } from './schema.js';
import { loadToken } from './token.js';

const { url } = shown;

const send = createGraphiQLFetcher({
  url,
  fetch: fetchWithToken,
  wsClient: eventsClient(url, fetchWithToken),
});

export function fetcher(operation, options) {
  return operation.operationName === SCHEMA_QUERY
    ? readSchema(operation, options)
    : send(operation, options);
}

async function readSchema(operation, options) {
  const headers = { 'content-type': 'application/json', ...options?.headers };
  const body = JSON.stringify(operation);
  const response = await fetchWithToken(url, { method: 'POST', headers, body });
  const answer = await response.json();
  return isFhir ? answer : forPeople(answer); // HL7's `_name` is for people
}

// GraphiQL asks for the schema before its headers editor exists: that request needs the token too.
function fetchWithToken(url, init) {
  const headers = new Headers(init.headers);
  const token = loadToken();
  if (token && !headers.has('authorization')) headers.set('authorization', `Bearer ${token}`);
  return fetch(url, { ...init, headers });
}
