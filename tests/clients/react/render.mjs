// Renders the page of docs/react.md with its data, once it is compiled: `node render.mjs ADDRESS`.

import { registerHooks } from 'node:module';
import { ApolloProvider } from '@apollo/client/react';
import { prerenderStatic } from '@apollo/client/react/ssr';
import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';

// As bundlers do: a file of ours is found without its ending.
registerHooks({
  resolve: (name, context, next) => next(/^\.\/[^.]+$/.test(name) ? `${name}.js` : name, context),
});
const { connect } = await import('./client.js');
const { Teams } = await import('./Teams.js');

const client = connect(process.argv[2], process.argv[3]);
const tree = createElement(ApolloProvider, { client }, createElement(Teams));
const { result } = await prerenderStatic({ tree, renderFunction: renderToStaticMarkup });
process.stdout.write(String(result));
