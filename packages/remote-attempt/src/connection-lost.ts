/**
 * The SSH connection died (or the server refused a further session on it) before the outcome was known. What was
 * running on the node goes on: connect again and call the same function with the same key.
 */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** The connection stands, but the server refused to open another session on it (its MaxSessions, mostly). */
export class SessionRefused extends ConnectionLost {}
