import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that is kept between test runs: it holds downloads, and empty databases to copy. */
export const TEST_CACHE_DIR = join(tmpdir(), 'rigel-test-cache');
