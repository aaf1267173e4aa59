import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@rigel/local';
import t from 'tap';
import { parse } from 'yaml';
import { OVERLAYS, overlayFolder, render } from './render.js';

const read = (...path: string[]) => readFile(join(REPOSITORY_DIR, ...path), 'utf8');
const BY_DIGEST = /@sha256:[0-9a-f]{64}$/;
/** Releases of Node with long-term support that have not ended yet; the end of each is in April of a year. */
const SUPPORTED_NODE = [24];

/** The images of every container, the ones that begin a pod included. */
function imagesOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(imagesOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) =>
    key === 'image' && typeof one === 'string' ? [one] : imagesOf(one),
  );
}

const digestOf = (image: string) => image.slice(image.indexOf('@') + 1);
const isOwn = (image: string) => /(^|\/)rigel(:|@|$)/.test(image);

t.test('the image is built from bases by digest, on a Node that is supported, with one pnpm', async (t) => {
  const dockerfile = await read('deploy', 'Dockerfile');
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image as string);
  t.equal(bases.length, 2);
  t.equal(new Set(bases).size, 1, 'what builds the native parts is what runs them');
  for (const base of bases) {
    t.match(base, BY_DIGEST);
    const [, major] = /\/node:(\d+)\.\d+\.\d+-bookworm-slim@/.exec(base) ?? [];
    t.ok(SUPPORTED_NODE.includes(Number(major)), `${base} names its exact version, which is supported`);
  }
  const pnpm = [...dockerfile.matchAll(/pnpm@(\S+)/g)].map(([, version]) => version as string);
  t.equal(pnpm.length, 1);
  t.match(pnpm[0], /^\d+\.\d+\.\d+$/, 'an exact version');
  const [, usual] = /pnpm@(\d+) test/.exec(await read('README.md')) ?? [];
  t.equal(pnpm[0]?.split('.')[0], usual, 'of the release that the README names');
});

t.test('images of others are named by digest, the same everywhere', async (t) => {
  const compose = parse(await read('deploy', 'compose', 'compose.yaml'), { merge: true });
  const images = imagesOf(compose);
  for (const overlay of OVERLAYS) images.push(...imagesOf(await render(overlayFolder(overlay))));
  const others = images.filter((image) => !isOwn(image));
  t.ok(others.length >= 5, 'NATS and PostgreSQL');
  for (const image of others) t.match(image, BY_DIGEST, image);
  for (const name of ['nats', 'postgres']) {
    const digests = others.filter((image) => new RegExp(`/${name}[:@]`).test(image)).map(digestOf);
    t.equal(new Set(digests).size, 1, `one ${name}`);
  }
  for (const image of images.filter(isOwn)) t.notMatch(image, /:latest$/, image);
});
