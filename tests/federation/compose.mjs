// Composes the subgraphs' schemas with each of the composers: a supergraph, or why there is none.

import { readFileSync } from 'node:fs';
import { composeServices } from '@apollo/composition';
import { composeServices as composeServicesOfGuild } from '@theguild/federation-composition';
import { federateSubgraphs } from '@wundergraph/composition';
import { parse, print } from 'graphql';

const here = (file) => readFileSync(new URL(file, import.meta.url), 'utf8');

/** The three subgraphs: the gateway's, whose schema is in a file, and two of people. */
export function subgraphs(schemaFile, urls = {}) {
  const texts = {
    groups: readFileSync(schemaFile, 'utf8'),
    patients: here('patients.graphql'),
    practitioners: here('practitioners.graphql'),
  };
  return Object.entries(texts).map(([name, text]) => ({
    name,
    url: urls[name] ?? `http://${name}.test`,
    typeDefs: parse(text),
  }));
}

function composeByWunderGraph(services) {
  const subgraphs = services.map(({ name, url, typeDefs }) => ({ name, url, definitions: typeDefs }));
  const result = federateSubgraphs({ subgraphs, version: '1' });
  return { supergraphSdl: result.success && print(result.federatedGraphAST), errors: result.errors };
}

const composers = {
  apollo: composeServices,
  guild: composeServicesOfGuild,
  wundergraph: composeByWunderGraph,
};

/** Composes by name of the composer: `{ supergraphSdl }` or `{ errors }`. */
export function compose(composer, services) {
  const { supergraphSdl, errors } = composers[composer](services);
  return { supergraphSdl, errors: errors?.map((error) => error.message) };
}

// node compose.mjs COMPOSER SCHEMA: prints the result as JSON.
if (import.meta.filename === process.argv[1]) {
  const [composer, schemaFile] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(compose(composer, subgraphs(schemaFile))));
}
