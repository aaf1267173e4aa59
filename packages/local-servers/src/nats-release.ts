/** The release that is downloaded where no nats-server is installed. */
export const NATS_VERSION = '2.12.8';

/** Where the project publishes its releases; the version and the archive's name follow. */
export const NATS_RELEASES = 'https://github.com/nats-io/nats-server/releases/download';

/** SHA-256 of each platform's archive, as published with the release in its SHA256SUMS. */
const SHA256: Record<string, string> = {
  'darwin-amd64': '8880e133f45c6974468d351425db9a73ffe3b569850cad2bfbaa349d80939a7f',
  'darwin-arm64': '4556a7f617eb532587790344629a6a95261099b236524b764d1f10d6c14aba1a',
  'linux-amd64': '6abc397684567e133649688a13564ad6de786d64e88253fbb4f6a3aa8c2fca63',
  'linux-arm64': '7d20e93c23924cdd5cb6ec51c92f9478c97f9c8a0dbe049dd7ab88af115d622c',
};

/** An archive to download and what it must hash to. */
export interface NatsArchive {
  url: string;
  /** SHA-256 of the archive, in lower-case hexadecimal digits. */
  sha256: string;
}

/**
 * The archive for this platform.
 *
 * @param downloadUrl a mirror of the project's releases, or the address of one archive (`….tar.gz`)
 * @param downloadSha256 hash of the archive where it is not the pinned release
 * @returns undefined when the pinned release has none for this platform
 */
export function natsArchive(downloadUrl?: string, downloadSha256?: string): NatsArchive | undefined {
  const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const sha256 = downloadSha256?.toLowerCase() ?? SHA256[platform];
  if (sha256 === undefined) return undefined;
  if (downloadUrl !== undefined && /\.(tar\.gz|tgz)$/.test(downloadUrl)) return { url: downloadUrl, sha256 };
  const base = (downloadUrl ?? NATS_RELEASES).replace(/\/+$/, '');
  return { url: `${base}/v${NATS_VERSION}/nats-server-v${NATS_VERSION}-${platform}.tar.gz`, sha256 };
}
