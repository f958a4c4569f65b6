import { ApolloProvider } from '@apollo/client/react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { connect } from './client';

const asked = new URLSearchParams(location.search);
const client = connect(
  asked.get('url') ?? 'http://127.0.0.1:8000/graphql',
  asked.get('token') ?? 'sandbox',
);

createRoot(document.getElementById('root')!).render(
  <ApolloProvider client={client}>
    <App />
  </ApolloProvider>,
);
