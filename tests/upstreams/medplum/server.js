// Medplum's FHIR router and in-memory repository over HTTP: the foreign server among the test
// upstreams. Paths, headers and limits follow Medplum's own HTTP server, which is not on npm.
//
// Run: node server.js [--port 18432]; prints "READY <base URL>" once it takes connections.

import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import {
  OperationOutcomeError,
  allOk,
  badRequest,
  forbidden,
  getStatus,
  isCreated,
  normalizeOperationOutcome,
  notFound,
  unauthorized,
} from '@medplum/core';
import { FhirRouter } from '@medplum/fhir-router';
import { capabilityStatement, loadDefinitions } from './definitions.js';
import { GroupRepository } from './repository.js';

const HOST = '127.0.0.1';
const BASE_PATH = '/fhir/R4';
const GROUP_PATH = /^\/Group(\/[A-Za-z0-9\-.]{1,64}|\/_search)?$/;
const TOKENS = ['sandbox', 'sandbox-read', 'sandbox-other'];

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });
loadDefinitions();
const server = createServer();
server.listen(Number(values.port), HOST, () => {
  const baseUrl = `http://${HOST}:${server.address().port}${BASE_PATH}`;
  server.on('request', responder(new FhirRouter(), new GroupRepository(baseUrl)));
  process.stdout.write(`READY ${baseUrl}\n`);
});

function responder(router, repository) {
  return async (request, response) => {
    let outcome, resource;
    try {
      [outcome, resource] = await answer(request, router, repository);
    } catch (error) {
      outcome = normalizeOperationOutcome(error);
    }
    response.writeHead(getStatus(outcome), headers(outcome, resource, repository.baseUrl));
    response.end(JSON.stringify(resource ?? outcome));
  };
}

function headers(outcome, resource, baseUrl) {
  const result = { 'Content-Type': 'application/fhir+json; charset=utf-8' };
  if (resource?.meta?.versionId) {
    result.ETag = `W/"${resource.meta.versionId}"`;
    result['Last-Modified'] = new Date(resource.meta.lastUpdated).toUTCString();
  }
  if (isCreated(outcome)) {
    result.Location = `${baseUrl}/Group/${resource.id}`;
  }
  return result;
}

// The rights of the three tokens are decided here; everything after that is the package's.
async function answer(request, router, repository) {
  const { pathname, search } = new URL(request.url, repository.baseUrl);
  const path = pathname.startsWith(BASE_PATH) ? pathname.slice(BASE_PATH.length) : '';
  if (path === '/metadata') {
    return [allOk, capabilityStatement()];
  }
  const token = request.headers.authorization?.replace(/^Bearer /, '');
  if (!TOKENS.includes(token)) {
    return [unauthorized];
  }
  if (!GROUP_PATH.test(path)) {
    return [notFound];
  }
  if (token === 'sandbox-read' && request.method !== 'GET' && path !== '/Group/_search') {
    return [forbidden];
  }
  return router.handleRequest(
    await fhirRequest(request, path + search),
    token === 'sandbox-other' ? repository.half() : repository
  );
}

async function fhirRequest(request, url) {
  const { method, headers } = request;
  const body = await parsedBody(request);
  return { method, url, pathname: '', params: {}, query: {}, headers, body };
}

async function parsedBody(request) {
  const content = await text(request);
  if (request.headers['content-type']?.startsWith('application/x-www-form-urlencoded')) {
    return Object.fromEntries(new URLSearchParams(content));
  }
  try {
    return JSON.parse(content || '{}');
  } catch {
    throw new OperationOutcomeError(badRequest('Content could not be parsed'));
  }
}
