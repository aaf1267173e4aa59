/** The database role of a running service. */
export const runtimeRole = (schema: string): string => `rigel_${schema}`;
/** The database role that owns a service's schema and applies its migrations. */
export const ownerRole = (schema: string): string => `rigel_${schema}_owner`;
