import { readSecret as read, SecretError, type SecretReference } from '@rigel/secrets';
import { ProviderError } from './provider-error.js';

/** Reads a secret when a call needs it. @throws ProviderError `refused` when it is missing. */
export async function readSecret(reference: SecretReference): Promise<string> {
  try {
    return await read(reference);
  } catch (error) {
    if (error instanceof SecretError)
      throw new ProviderError('refused', `a secret is missing: ${error.message}`);
    throw error;
  }
}
