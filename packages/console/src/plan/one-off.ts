/** What the tasks of one-off commands name as their template; no template has this id. */
const ONE_OFF = Number.MAX_SAFE_INTEGER;

export const isOneOff = (template: { id: number }): boolean => template.id === ONE_OFF;
