import { writeFile } from 'node:fs/promises';
import { describeApi } from './openapi.js';
import { OPENAPI_FILE, printed } from './openapi-file.js';
import { endpoints } from './routes/index.js';

// `pnpm openapi`: writes the description of the API that is committed.
await writeFile(OPENAPI_FILE, printed(await describeApi(endpoints)));
