// The gateway's two GraphQL interfaces, and the one that this page shows: `?schema=fhir` is HL7's.
import { config } from './config.js';

const FEDERATED = { name: 'graphql', title: 'Federated schema', url: location.pathname };
const FHIR = { name: 'fhir', title: 'HL7 FHIR', url: config.fhir };

export const INTERFACES = config.fhir ? [FEDERATED, FHIR] : [FEDERATED];

const asked = new URLSearchParams(location.search).get('schema');
export const shown = INTERFACES.find(({ name }) => name === asked) ?? FEDERATED;
export const isFhir = shown === FHIR;

// Another schema is another address: a link or the browser's back button leads there too.
export function show(name) {
  location.search = name === FEDERATED.name ? '' : `?schema=${name}`;
}
