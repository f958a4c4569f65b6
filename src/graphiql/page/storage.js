// Operations, variables and history can name patients, so they live in sessionStorage: they
// survive a reload and are gone with the browser tab. Nothing is ever put into localStorage.
// Each interface has its own, for an operation of one is an error in the other.
import { isFhir } from './interfaces.js';

const PREFIX = 'fhir/';

export const storage = isFhir ? prefixed(sessionStorage, PREFIX) : sessionStorage;

function prefixed(store, prefix) {
  return {
    getItem: (key) => store.getItem(prefix + key),
    setItem: (key, value) => store.setItem(prefix + key, value),
    removeItem: (key) => store.removeItem(prefix + key),
    clear: () =>
      Object.keys(store)
        .filter((key) => key.startsWith(prefix))
        .forEach((key) => store.removeItem(key)),
    get length() {
      return Object.keys(store).filter((key) => key.startsWith(prefix)).length;
    },
  };
}
