// Medplum's in-memory repository with what its HTTP server adds around it: validated groups,
// refused unknown search parameters, limited and linked pages, and one caller who sees only half.

import {
  DEFAULT_MAX_SEARCH_COUNT,
  DEFAULT_SEARCH_COUNT,
  OperationOutcomeError,
  badRequest,
  formatSearchQuery,
  notFound,
  validateResource,
} from '@medplum/core';
import { MemoryRepository } from '@medplum/fhir-router';
import { searchParameters } from './definitions.js';

export class GroupRepository extends MemoryRepository {
  constructor(baseUrl) {
    super();
    this.baseUrl = baseUrl;
    this.seesAll = true;
    this.shared = new Map(); // group id -> whether the caller who sees half sees this one
  }

  // The same data, as the caller who sees half of it meets it.
  half() {
    return Object.assign(Object.create(this), { seesAll: false });
  }

  async readResource(resourceType, id) {
    this.refuseHidden(id);
    return super.readResource(resourceType, id);
  }

  async updateResource(group, options) {
    this.refuseHidden(group.id);
    return super.updateResource(group, options);
  }

  // The package calls this for updates too, so only an unknown id is a new group.
  async createResource(group) {
    validateResource(group);
    const created = await super.createResource(group);
    if (!this.shared.has(created.id)) {
      this.shared.set(created.id, !this.seesAll || this.shared.size % 2 === 0);
    }
    return created;
  }

  async deleteResource(resourceType, id) {
    this.refuseHidden(id);
    return super.deleteResource(resourceType, id);
  }

  async search(request) {
    refuseUnknownParameters(request);
    const count = Math.min(request.count ?? DEFAULT_SEARCH_COUNT, DEFAULT_MAX_SEARCH_COUNT);
    const page = { ...request, count, offset: request.offset ?? 0 };
    const { entry, total, ...bundle } = await super.search({ ...page, filters: this.scoped(page.filters) });
    return {
      ...bundle,
      entry: entry?.map((match) => this.searchEntry(match)),
      // Counting is dear for the real server, which therefore does it only on request.
      total: ['accurate', 'estimate'].includes(page.total) ? total : undefined,
      link: this.links(page, total),
    };
  }

  refuseHidden(id) {
    if (!this.seesAll && this.shared.get(id) === false) {
      throw new OperationOutcomeError(notFound);
    }
  }

  scoped(filters = []) {
    if (this.seesAll) {
      return filters;
    }
    const visible = [...this.shared.keys()].filter((id) => this.shared.get(id));
    return [...filters, { code: '_id', operator: 'eq', value: visible.join(',') }];
  }

  searchEntry({ resource }) {
    return { fullUrl: `${this.baseUrl}/Group/${resource.id}`, search: { mode: 'match' }, resource };
  }

  links(page, total) {
    const { count, offset } = page;
    const link = (relation, at) => ({
      relation,
      url: `${this.baseUrl}/Group${formatSearchQuery({ ...page, offset: at })}`,
    });
    return [
      link('self', offset),
      link('first', 0),
      ...(count > 0 && offset + count < total ? [link('next', offset + count)] : []),
      ...(offset > 0 ? [link('previous', Math.max(0, offset - count))] : []),
    ];
  }
}

function refuseUnknownParameters(request) {
  const unknown = request.filters?.find(({ code }) => !(code in searchParameters()));
  if (unknown) {
    throw new OperationOutcomeError(badRequest(`Unknown search parameter: ${unknown.code}`));
  }
}
