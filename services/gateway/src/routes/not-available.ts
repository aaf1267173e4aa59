import { ServiceError } from '@rigel/contracts';

/**
 * For an endpoint that clients may call already but that has nothing behind it yet: its input is checked, then it is
 * refused in its documented form.
 */
export function notAvailable(what: string): never {
  throw new ServiceError('wrong_state', `${what} is not available in this version`);
}
