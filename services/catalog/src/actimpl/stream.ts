/** Stream of an implementation's events. */
export const implStream = (id: number): string => `actimpl-${id}`;
