/** The role at the database that a service runs as. */
export const runtimeRole = (schema: string): string => `rigel_${schema}`;
/** The role that owns a service's schema and applies its migrations. */
export const ownerRole = (schema: string): string => `rigel_${schema}_owner`;
