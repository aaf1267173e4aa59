import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Kept between test runs: nothing is in it but what was downloaded, and empty databases to copy. */
export const TEST_CACHE_DIR = join(tmpdir(), 'rigel-test-cache');
