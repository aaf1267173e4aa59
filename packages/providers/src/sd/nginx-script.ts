import { shellQuote } from '@rigel/command-template';

export interface NginxFile {
  /** The upstream file, owned by Rigel. */
  file: string;
  upstream: string;
  pidFile: string;
  /** The nginx command and its first arguments. */
  command: readonly string[];
  /** Lines of the upstream block before its servers, each with its semicolon. */
  directives: readonly string[];
  /** Parameters of every server, for instance `max_fails=1`. */
  serverOptions: string;
}

/*
 * The file's helpers have names that begin with a dot, which a glob of an `include` does not take:
 *   .<name>.lock    held during a change
 *   .<name>.new     the next content, while it is written
 *   .<name>.old     the last content, until the next one has been found good
 *   .<name>.loaded  the content that nginx loaded last: if the file differs from it, a change was interrupted
 */
const COMMON = `
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
fail() { printf 'error %s\\n' "$1"; exit 0; }
helper() { printf '%s/.%s.%s' "$(dirname "$file")" "$(basename "$file")" "$1"; }
lock=$(helper lock) new=$(helper new) old=$(helper old) loaded=$(helper loaded)
master=$(cat "$pid_file" 2>/dev/null)
{ [ -n "$master" ] && { [ -d "/proc/$master" ] || kill -0 "$master" 2>/dev/null; }; } || fail "nginx does not run: no process of $pid_file"
workers() {
  cat "/proc/$master/task/$master/children" 2>/dev/null ||
    ps -A -o ppid= -o pid= | while read -r parent pid; do [ "$parent" = "$master" ] && printf '%s ' "$pid"; done
}
is_leaving() {
  { cat "/proc/$1/cmdline" 2>/dev/null || ps -o args= -p "$1"; } 2>/dev/null | grep -qs 'shutting down'
}
servers() { sed -n 's/^    server \\([^ ;]*\\).*# node$/\\1/p'; }
`;

const CHANGE = `
command -v flock >/dev/null 2>&1 || fail 'the command flock (package util-linux) is missing'
exec 9>>"$lock" || fail "cannot write $lock"
flock -w 30 9 || fail "another change of $file has gone on for more than 30 s"
list=$(cat "$file" 2>/dev/null | servers)
for address in $remove; do list=$(printf '%s\\n' "$list" | grep -Fxv -- "$address"); done
for address in $add; do
  printf '%s\\n' "$list" | grep -Fxq -- "$address" || list=$(printf '%s\\n%s' "$list" "$address")
done
{
  printf '# Owned by Rigel, which writes it anew at every change.\\nupstream %s {\\n' "$upstream"
  [ -z "$directives" ] || printf '%s\\n' "$directives"
  count=0
  for address in $list; do
    printf '    server %s%s; # node\\n' "$address" "$server_options"
    count=$((count + 1))
  done
  [ $count -gt 0 ] || printf '    server 127.0.0.1:1 down;\\n'
  printf '}\\n'
} >"$new" || fail "cannot write $new"
chmod 644 "$new"
if cmp -s "$new" "$file" && cmp -s "$file" "$loaded"; then
  rm -f "$new"
  leaving=
  for pid in $(workers); do
    is_leaving "$pid" && leaving="$leaving $pid"
  done
  printf 'unchanged%s\\n' "$leaving"
  exit 0
fi
if [ -e "$file" ]; then cp -p "$file" "$old" || fail "cannot write $old"; else rm -f "$old"; fi
mv -f "$new" "$file" || fail "cannot replace $file"
if ! said=$(nginx_command -t 2>&1); then
  if [ -e "$old" ]; then mv -f "$old" "$file"; else rm -f "$file"; fi
  fail "nginx -t refuses the change, which was taken back: $(printf '%s' "$said" | grep -m1 -F '[emerg]' || printf '%s' "$said" | tail -n 1)"
fi
rm -f "$old"
before=$(workers)
said=$(nginx_command -s reload 2>&1) || fail "nginx cannot be reloaded: $(printf '%s' "$said" | tail -n 1)"
tries=0
while :; do
  for pid in $(workers); do
    case " $before " in *" $pid "*) ;; *) break 2 ;; esac
  done
  tries=$((tries + 1))
  [ $tries -lt 200 ] || fail 'nginx did not take the new configuration in 10 s; its error log tells why'
  sleep 0.05
done
cp "$file" "$loaded" || fail "cannot write $loaded"
printf 'changed %s\\n' "$before"
`;

const LOOK = `
# The file is read once, so that what is said of it is all of one content, whatever others change meanwhile.
read_file() { content=$(cat "$file" 2>/dev/null); }
is_loaded() { printf '%s\\n' "$content" | cmp -s - "$loaded"; }
read_file
if ! is_loaded; then
  # Somebody else's change may be half-way.
  exec 9>>"$lock" || fail "cannot write $lock"
  flock -s -w 30 9 || fail "another change of $file has gone on for more than 30 s"
  read_file
fi
is_loaded && printf 'loaded\\n'
printf '%s\\n' "$content" | servers | while read -r address; do printf 'server %s\\n' "$address"; done
now=" $(workers) "
for pid in $old_workers; do
  case "$now" in *" $pid "*) ;; *) continue ;; esac
  if is_leaving "$pid"; then printf 'leaving %s\\n' "$pid"; else printf 'accepting %s\\n' "$pid"; fi
done
printf 'seen\\n'
`;

function settings(config: NginxFile, more: Record<string, string>): string {
  const values = {
    file: config.file,
    upstream: config.upstream,
    pid_file: config.pidFile,
    directives: config.directives.map((line) => `    ${line}`).join('\n'),
    server_options: config.serverOptions === '' ? '' : ` ${config.serverOptions}`,
    ...more,
  };
  const assignments = Object.entries(values).map(([name, value]) => `${name}=${shellQuote(value)}\n`);
  return `${assignments.join('')}nginx_command() { ${config.command.map(shellQuote).join(' ')} "$@"; }\n`;
}

/**
 * Adds addresses to the upstream and removes others, and has nginx load the result. It answers `changed <workers>` or
 * `unchanged <workers>`, with the worker processes that may still serve an earlier configuration, or `error <why>`.
 */
export function changeScript(config: NginxFile, add: readonly string[], remove: readonly string[]): string {
  return settings(config, { add: add.join(' '), remove: remove.join(' ') }) + COMMON + CHANGE;
}

/**
 * Answers the state of nginx: `loaded` if nginx loaded this file last; a line `server <address>` for each server; for
 * each given worker that still runs, `accepting <pid>` or (it takes no new connections) `leaving <pid>`; and `seen` at
 * the end. Or `error <why>`.
 */
export function lookScript(config: NginxFile, oldWorkers: string): string {
  return settings(config, { old_workers: oldWorkers }) + COMMON + LOOK;
}
