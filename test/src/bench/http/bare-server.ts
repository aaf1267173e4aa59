import Fastify from 'fastify';
import pg from 'pg';

/*
 * What an HTTP server is compared with: Fastify and pg, one process, nothing between. It reads the same rows with the same
 * statements, and inserts into a table like that of the clusters. Started with the database's address in DATABASE_URL; it
 * tells its parent the port.
 */

pg.types.setTypeParser(pg.types.builtins.INT8, Number);
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
await pool.query(`
  CREATE SCHEMA IF NOT EXISTS bare;
  CREATE TABLE IF NOT EXISTS bare.clusters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    "desc" text NOT NULL,
    biz text NOT NULL
  )`);

const success = (data: unknown, more: object = {}) => ({ code: 0, msg: 'success', data, ...more });
const app = Fastify();

app.get<{ Querystring: { page?: string; page_size?: string } }>('/cluster/list', async ({ query }) => {
  const page = Number(query.page ?? 1);
  const page_size = Number(query.page_size ?? 10);
  const { rows } = await pool.query(
    `SELECT *, (SELECT count(*) FROM inventory.clusters) AS total FROM inventory.clusters
     WHERE id = ANY (ARRAY(SELECT id FROM inventory.clusters ORDER BY id DESC LIMIT $1 OFFSET $2)) ORDER BY id DESC`,
    [page_size, (page - 1) * page_size],
  );
  const query_count = rows[0]?.total ?? 0;
  for (const row of rows) delete row.total;
  return success(rows, { page, page_size, query_count });
});

app.get<{ Params: { id: string } }>('/cluster/:id', async ({ params }) => {
  const { rows } = await pool.query('SELECT * FROM inventory.clusters WHERE id = $1', [Number(params.id)]);
  return success(rows[0]);
});

app.post<{ Body: { name: string; desc: string; biz: string } }>('/cluster/create', async ({ body }) => {
  const { rows } = await pool.query(
    'INSERT INTO bare.clusters (name, "desc", biz) VALUES ($1, $2, $3) RETURNING id',
    [body.name, body.desc, body.biz],
  );
  return success(rows[0].id);
});

const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.on('disconnect', () => process.exit(0));
process.send?.(url);
