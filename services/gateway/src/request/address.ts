/** Removes slashes and blanks that clients write at the end of an address; they mean nothing. */
export function tidyAddress(url: string): string {
  const at = url.indexOf('?');
  const query = at < 0 ? '' : url.slice(at);
  let path = at < 0 ? url : url.slice(0, at);
  for (;;) {
    if (path.endsWith('%20')) path = path.slice(0, -3);
    else if (path.endsWith('/') && path.length > 1) path = path.slice(0, -1);
    else return path + query;
  }
}

export function pathOf(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? url : url.slice(0, at);
}

export function queryOf(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at + 1);
}
