import { writeFile } from 'node:fs/promises';
import { endpoints } from '../routes/index.js';
import { OPENAPI_FILE, printed } from './file.js';
import { describeApi } from './openapi.js';

// `pnpm openapi`: writes the committed description of the API.
await writeFile(OPENAPI_FILE, printed(await describeApi(endpoints)));
