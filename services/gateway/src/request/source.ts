/** Named values from one place of a request (path, body or query), or why that place cannot be read. */
export type Source = { values: Readonly<Record<string, unknown>> } | { unreadable: string };

export const NOTHING: Source = { values: {} };
