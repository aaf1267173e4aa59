/** What can be done with several tasks at once. */
export const MANY_ACTIONS = ['pause', 'start', 'stop'] as const;
export type ManyAction = (typeof MANY_ACTIONS)[number];
