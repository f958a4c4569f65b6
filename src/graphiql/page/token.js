// The caller's bearer token: kept for this browser tab only, and never in localStorage.
import { config } from './config.js';

const KEY = 'group-gateway:token';
const SCHEME = /^bearer\s+/i;

export function loadToken() {
  return sessionStorage.getItem(KEY) ?? config.token ?? '';
}

// An emptied token is stored too, so that a reload does not bring the sandbox's back.
export function saveToken(token) {
  sessionStorage.setItem(KEY, token);
}

// The token in the text of a headers editor: '' when there is none, undefined while the text is
// no JSON object (someone is still typing).
export function tokenIn(text) {
  const headers = parsed(text);
  if (!headers) return undefined;
  const value = String(headers[authorizationKey(headers)] ?? '');
  return SCHEME.test(value) ? value.replace(SCHEME, '') : '';
}

// The same text with its bearer token replaced, added or, for '', removed. Text that is no JSON
// object and an Authorization of another scheme are someone's own and stay as they are.
export function withToken(text, token) {
  const current = tokenIn(text);
  if (current === undefined || current === token) return text;
  const { [authorizationKey(parsed(text))]: _, ...others } = parsed(text);
  const headers = token ? { Authorization: `Bearer ${token}`, ...others } : others;
  return Object.keys(headers).length ? JSON.stringify(headers, null, 2) : '';
}

function authorizationKey(headers) {
  return Object.keys(headers).find((name) => name.toLowerCase() === 'authorization');
}

function parsed(text) {
  try {
    const headers = JSON.parse(text.trim() || '{}');
    return headers !== null && typeof headers === 'object' && !Array.isArray(headers)
      ? headers
      : undefined;
  } catch {
    return undefined;
  }
}
