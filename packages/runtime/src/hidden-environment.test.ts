import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import t from 'tap';

const PROGRAM = `
  import { hideEnvironment } from ${JSON.stringify(new URL('./hidden-environment.js', import.meta.url).href)};
  import { execFileSync } from 'node:child_process';
  const done = hideEnvironment();
  const child = execFileSync('/bin/sh', ['-c', 'printf %s "$RIGEL_SECRET_DB-$EMPTY-$HOME"']).toString();
  console.log(JSON.stringify({ done, secret: process.env.RIGEL_SECRET_DB, url: process.env.DATABASE_URL, child }));
  process.stdin.resume();
`;

t.test(
  'nobody sees what a process was given, and it keeps all',
  { skip: process.platform !== 'linux' && 'there is no /proc' },
  async (t) => {
    const env = {
      PATH: process.env.PATH ?? '',
      HOME: '/home/somebody',
      DATABASE_URL: 'postgres://rigel:password-1@db/rigel',
      RIGEL_SECRET_DB: 'correct horse=battery staple',
      EMPTY: '',
      BASTION_KEY: 'a\nb',
    };
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    t.teardown(() => child.kill());
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const said = JSON.parse(line.toString());
    t.same(said, {
      done: true,
      secret: env.RIGEL_SECRET_DB,
      url: env.DATABASE_URL,
      child: 'correct horse=battery staple--/home/somebody',
    });
    const seen = await readFile(`/proc/${child.pid}/environ`, 'utf8');
    t.match(seen, /HOME=\/home\/somebody\0/, 'what describes the system stays');
    t.notMatch(seen, /password-1|battery|staple|a\nb/, 'nothing else is there');
  },
);
