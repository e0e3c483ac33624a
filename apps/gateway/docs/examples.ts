import { ITEM_ERRORS, type RequestErrorCode, type RequestErrorOptions } from '#libs/errors';

const REQUEST_ID = '01997c3e-5c5e-7b0a-9d55-8f1c2d3e4f50';
const RECORD_ID = '182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e';
const MISSING_ID = '0d9dcb40-7f6f-4a0b-8e5c-3a6f1f1c2b7d';
const JOB_ID = '01997c3e-6a10-7c22-8d31-2f4e5a6b7c8d';
const LIST_ID = '5b7a2f3c-9a53-4d8e-8f6b-0c1d2e3f4a5b';

const record = {
  id: RECORD_ID,
  default: {
    name: 'Acme',
    stage: 'won',
    tags: ['priority'],
    created_at: '2025-09-24T08:00:00.000Z',
    updated_at: '2025-09-24T09:30:00.000Z',
  },
  list: { [LIST_ID]: { owner: 'x' } },
};

const noOption = {
  code: 'unknown_option',
  message: 'default.stage is not an option of this property; use lead, qualified, proposal, won, lost',
} as const;

const failures = [
  {
    id: MISSING_ID,
    status: 'error',
    error: { code: 'not_found', message: ITEM_ERRORS.not_found.message, retryable: false },
  },
  {
    id: RECORD_ID,
    status: 'error',
    error: { ...noOption, retryable: false, errors: [{ field: '.default.stage', ...noOption }] },
  },
  {
    id: null,
    status: 'error',
    error: {
      code: 'invalid_item',
      message: 'id must be a UUID',
      retryable: false,
      errors: [{ field: '.id', code: 'uuid', message: 'id must be a UUID' }],
    },
  },
];

const importTimes = { created_at: '2025-09-24T08:00:00.000Z', updated_at: '2025-09-24T08:00:00.000Z' };

const badField = { field: '.body.items', code: 'max_items', message: 'items must hold 1 to 100 items' };

/** Options of the example error of a code, where the code alone is not enough. */
const errors: Readonly<Partial<Record<RequestErrorCode, RequestErrorOptions>>> = {
  invalid_request: { errors: [badField] },
  payload_too_large: { details: { limit_bytes: 5_242_880 } },
  method_not_allowed: { headers: { allow: 'POST' } },
  rate_limited: { headers: { 'retry-after': '1' } },
};

/** Example requests and responses of the document. */
export const EXAMPLES = {
  requestId: REQUEST_ID,
  errors,
  record,
  change: { default: { stage: 'won', notes: null, tags: { _op: 'append', values: ['priority'] } } },
  creation: { default: { name: 'Acme', stage: 'lead' } },
  update: {
    items: [
      { id: RECORD_ID, default: { name: 'Acme', stage: 'won', notes: null } },
      { id: MISSING_ID, default: { name: 'Nobody' } },
      { id: RECORD_ID, default: { stage: 'wonn' } },
      { id: 'not-a-uuid', default: { name: 'Bad id' } },
    ],
  },
  mixed: {
    items: [
      { op: 'create', ref: 'row 1', default: { name: 'Acme', stage: 'won', tags: ['priority'] } },
      { op: 'update', ref: 'row 2', id: MISSING_ID, default: { employees: { _op: 'increment', by: 5 } } },
      { op: 'restore', id: 'not-a-uuid' },
    ],
    options: { max_failures: 10, skip_unchanged: true },
  },
  updateConditionally: {
    items: [{ id: RECORD_ID, if_match: '"7-64f1c2a3b4d5e"', default: { stage: 'won' } }],
    options: { on_error: 'rollback', return: 'minimal', dry_run: true },
  },
  import: { objects: [{ default: { name: 'Acme', stage: 'lead' } }, { default: { name: 'Beta', stage: 'wonn' } }] },
  importResult: {
    ...{ job_id: null, status: 'complete', total: 2, processed: 2, succeeded: 1, failed: 1, ...importTimes },
    expires_at: importTimes.updated_at,
    results: [
      { input_index: 0, id: RECORD_ID, created: true, existing: false, updated: false, error: null },
      {
        ...{ input_index: 1, id: null, created: false, existing: false, updated: false },
        error: { ...noOption, retryable: false, errors: [{ field: '.default.stage', ...noOption }] },
      },
    ],
  },
  importJob: {
    ...{ job_id: JOB_ID, status: 'processing', total: 10_000, processed: 0, succeeded: 0, failed: 0, ...importTimes },
    ...{ expires_at: '2025-10-01T08:00:00.000Z', results: [] },
  },
  query: {
    query: {
      select: ['name', 'stage', 'employees'],
      filter: [{ stage: { '=': 'won' } }, { employees: { '>': 50 } }],
      sort: [{ employees: 'desc' }],
      limit: 10,
    },
    include_total: true,
  },
  nestedQuery: {
    query: {
      select: ['name'],
      filter: [
        { created_at: { '>=': '2025-09-01' } },
        { OR: [{ stage: { in: ['won', 'lost'] } }, { tags: { contains: 'priority' }, notes: { exists: true } }] },
      ],
    },
  },
  page: {
    data: [{ id: RECORD_ID, properties: { name: 'Acme', stage: 'won', employees: 250 } }],
    has_more: true,
    next_cursor: 'q2dW8Jc1mE4xT7bLWzEsMTAsIjI1MCJd',
    total: 42,
  },
  deletion: { ids: [RECORD_ID, MISSING_ID] },
  updateResult: {
    results: [{ id: RECORD_ID, status: 'ok', effect: 'updated', etag: '"8-64f1c2b0a1e42"', record }, ...failures],
    summary: { total: 4, succeeded: 1, failed: 3 },
  },
  mixedResult: {
    results: [
      { id: RECORD_ID, ref: 'row 1', status: 'ok', effect: 'created', etag: '"1-64f1c2b0a1e42"', record },
      { ...failures[0], ref: 'row 2' },
      failures[2],
    ],
    summary: { total: 3, succeeded: 1, failed: 2 },
  },
  receipt: {
    state: 'interrupted',
    created_at: '2025-09-24T09:30:00.000Z',
    expires_at: '2025-09-25T09:30:00.000Z',
    summary: { total: 3, succeeded: 1, failed: 1 },
    results: [{ id: RECORD_ID, status: 'ok', effect: 'updated', etag: '"8-64f1c2b0a1e42"', record }, failures[0], null],
  },
  deleteResult: {
    results: [{ id: RECORD_ID, status: 'ok', effect: 'deleted', etag: '"9-64f1c2c7f3d10"', record }, failures[0]],
    summary: { total: 2, succeeded: 1, failed: 1 },
  },
};
