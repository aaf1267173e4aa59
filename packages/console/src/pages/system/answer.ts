import type { operations } from '@rigel/api-client';

/** What the one read of the page answers. */
export type System = operations['system']['responses'][200]['content']['application/json']['data'];
