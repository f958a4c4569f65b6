// The page behind GET /graphql: GraphiQL with this gateway's examples and a field for the token.
import 'graphiql/style.css';
import './page.css';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { EXAMPLES } from './examples.js';
import { fetcher } from './fetcher.js';
import { SchemaField } from './SchemaField.jsx';
import { SCHEMA_QUERY } from './schema.js';
import { storage } from './storage.js';
import { TokenField } from './TokenField.jsx';

// GraphiQL opens the first of the default tabs without its variables; what a returning visitor
// left in the editor must not be overwritten.
const isFirstVisit = storage.getItem('graphiql:tabState') === null;

createRoot(document.getElementById('graphiql')).render(
  <GraphiQL
    fetcher={fetcher}
    introspectionQueryName={SCHEMA_QUERY}
    storage={storage}
    shouldPersistHeaders={false}
    defaultTabs={EXAMPLES}
    variables={isFirstVisit ? EXAMPLES[0].variables : undefined}
    defaultQuery=""
    defaultEditorToolsVisibility="variables"
  >
    <GraphiQL.Logo>
      Graph<em>i</em>QL
    </GraphiQL.Logo>
    <header className="bar">
      <h1>group-gateway</h1>
      <SchemaField />
      <TokenField />
    </header>
  </GraphiQL>,
);
