// Sends operations to the page's own address, and nowhere else.
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { loadToken } from './token.js';

export const fetcher = createGraphiQLFetcher({ url: location.pathname, fetch: fetchWithToken });

// GraphiQL asks for the schema before its headers editor exists: that request needs the token too.
function fetchWithToken(url, init) {
  const headers = new Headers(init.headers);
  const token = loadToken();
  if (token && !headers.has('authorization')) headers.set('authorization', `Bearer ${token}`);
  return fetch(url, { ...init, headers });
}
