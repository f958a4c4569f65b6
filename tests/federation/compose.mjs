// Composes the subgraphs' schemas with each of the composers: a supergraph, or why there is none.

import { readFileSync } from 'node:fs';
import { composeServices } from '@apollo/composition';
import { composeServices as composeServicesOfGuild } from '@theguild/federation-composition';
import { federateSubgraphs } from '@wundergraph/composition';
import { parse, print } from 'graphql';

const here = (file) => readFileSync(new URL(file, import.meta.url), 'utf8');

const people = ['patients', 'practitioners'];

/** The subgraphs: the gateway's, whose schema is in a file, and others, of people unless told. */
export function subgraphs(schemaFile, urls = {}, others = people) {
  const texts = [['groups', readFileSync(schemaFile, 'utf8')]];
  texts.push(...others.map((name) => [name, here(`${name}.graphql`)]));
  return texts.map(([name, text]) => ({
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

// node compose.mjs COMPOSER SCHEMA [OTHER…]: prints the result as JSON.
if (import.meta.filename === process.argv[1]) {
  const [composer, schemaFile, ...others] = process.argv.slice(2);
  const services = subgraphs(schemaFile, {}, others.length > 0 ? others : people);
  process.stdout.write(JSON.stringify(compose(composer, services)));
}
