// Runs the audit suite of the GraphQL over HTTP working group against an address and prints each
// audit's result as JSON: `node audit.mjs http://127.0.0.1:8000/graphql`.

import { auditServer } from 'graphql-http';

const results = await auditServer({ url: process.argv[2] });
const shown = results.map(({ id, name, status, ...rest }) => ({
  id,
  name,
  status,
  reason: rest.reason,
}));
process.stdout.write(JSON.stringify(shown));
