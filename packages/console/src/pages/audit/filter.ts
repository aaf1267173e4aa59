/* The filters of the audit, as they stand in the address: by the names of the API. */

export const OUTCOMES = ['done', 'denied', 'refused', 'failed'] as const;
export type Outcome = (typeof OUTCOMES)[number];

const TEXTS = ['operator', 'action', 'target', 'correlation_id', 'from', 'to'] as const;

export type AuditFilter = Partial<Record<(typeof TEXTS)[number], string>> & { outcome?: Outcome };

export const AUDIT_FILTERS: readonly (keyof AuditFilter)[] = [...TEXTS, 'outcome'];

/** The filters that an address names. What cannot be a value of one counts as not given. */
export function readFilter(params: URLSearchParams): AuditFilter {
  const filter: AuditFilter = {};
  for (const name of TEXTS) {
    const text = params.get(name) ?? '';
    if (text.trim() !== '') filter[name] = text;
  }
  const outcome = OUTCOMES.find((one) => one === params.get('outcome'));
  return outcome ? { ...filter, outcome } : filter;
}
