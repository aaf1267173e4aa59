import { createClient, type RigelClient } from '@rigel/api-client';
import { apiRoot } from '../app/place.js';

/** The API that this console belongs to. */
export const api: RigelClient = createClient(apiRoot.href.replace(/\/$/, ''));
