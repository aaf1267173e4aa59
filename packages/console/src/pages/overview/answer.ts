import type { components, operations } from '@rigel/api-client';

/** What the one read of the page answers; null: the service in charge is away. */
export type Overview = operations['overview']['responses'][200]['content']['application/json']['data'];
export type TaskOverview = NonNullable<Overview['tasks']>;
export type Attention = components['schemas']['Attention'];
