import { SecretReference } from '@rigel/secrets';
import { Type } from 'typebox';

/** Keys that entries of all adapters `rest` have. */
export const restSettings = {
  /** Address of the service, without the path: `http://10.0.0.1:8888`. */
  url: Type.String({ pattern: '^https?://[^\\s/?#@]+(/[^\\s?#]*)?$' }),
  /** Sent as the header APPKEY. */
  app_key: Type.Optional(SecretReference),
};
