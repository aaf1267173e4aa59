import { SERVICE_PORT } from '../local-providers.js';

/** File in a machine's folder that makes the next start fail. */
export const UNLUCKY_FILE = 'unlucky';
/** File in a machine's folder with the port of its service. */
export const PORT_FILE = 'service.port';

/** The tiny HTTP service. Machines that share one address (not on Linux) each take a free port. */
const SERVICE = `const [tag] = process.argv.slice(2);
const ip = process.env.RIGEL_MACHINE_IP;
const server = require('node:http').createServer((_, response) => response.end(tag + ' on ' + process.env.RIGEL_MACHINE));
server.listen(ip === '127.0.0.1' ? 0 : ${SERVICE_PORT}, ip, () =>
  require('node:fs').writeFileSync('${PORT_FILE}', String(server.address().port)));`;

/** Ends the version that runs on the machine, if one does, and starts the given one. */
export const START = `#!/bin/sh
if [ -e ${UNLUCKY_FILE} ]; then
  rm ${UNLUCKY_FILE}
  echo 'the disk is busy, try again' >&2
  exit 1
fi
if [ -s service.pid ]; then
  pid=$(cat service.pid)
  kill "$pid" 2>/dev/null && echo "ended process $pid"
  while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
fi
rm -f ${PORT_FILE}
cat > service.cjs <<'END'
${SERVICE}
END
nohup node service.cjs {{tag}} > service.log 2>&1 &
echo $! > service.pid
echo "started "{{tag}}" as process $!"`;

/** Asks the service over HTTP until it answers as the given version. */
export const CHECK = `#!/bin/sh
ask="fetch('http://' + process.env.RIGEL_MACHINE_IP + ':' + process.argv[1]).then((r) => r.text()).then(console.log)"
tries=0
while :; do
  [ -s ${PORT_FILE} ] && answer=$(node -e "$ask" "$(cat ${PORT_FILE})" 2>/dev/null)
  [ "\${answer%% on *}" = {{tag}} ] && break
  tries=$((tries + 1))
  [ $tries -lt 50 ] || { echo 'it does not answer with version '{{tag}} >&2; cat service.log >&2; exit 1; }
  sleep 0.2
done
echo "healthy: $answer"`;
