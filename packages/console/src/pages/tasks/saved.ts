/** Filters of the list of tasks under a name. */
export interface SavedFilter {
  name: string;
  /** As it stands in the address: `state=3&pool_id=4`. */
  query: string;
}

const KEY = 'rigel-console-task-filters';

/** The filters that were saved in this browser. */
export function savedFilters(): readonly SavedFilter[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(kept) ? kept.filter(isSaved) : [];
  } catch {
    return [];
  }
}

export function saveFilters(filters: readonly SavedFilter[]): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(filters));
  } catch {
    // Full or refused: they are there until the page is closed.
  }
}

function isSaved(value: unknown): value is SavedFilter {
  const { name, query } = (value ?? {}) as Partial<SavedFilter>;
  return typeof name === 'string' && typeof query === 'string';
}
