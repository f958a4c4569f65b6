// Sends operations to the page's own address, and nowhere else.
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { eventsClient } from './events.js';
import { loadToken } from './token.js';

const url = location.pathname;

export const fetcher = createGraphiQLFetcher({
  url,
  fetch: fetchWithToken,
  wsClient: eventsClient(url, fetchWithToken),
});

// GraphiQL asks for the schema before its headers editor exists: that request needs the token too.
function fetchWithToken(url, init) {
  const headers = new Headers(init.headers);
  const token = loadToken();
  if (token && !headers.has('authorization')) headers.set('authorization', `Bearer ${token}`);
  return fetch(url, { ...init, headers });
}
