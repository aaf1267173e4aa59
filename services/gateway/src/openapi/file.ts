import { fileURLToPath } from 'node:url';

/** The committed description of the API. */
export const OPENAPI_FILE = fileURLToPath(new URL('../../../../docs/openapi.json', import.meta.url));

/** The text of the file for a description. */
export function printed(description: object): string {
  return `${JSON.stringify(description, undefined, 2)}\n`;
}
