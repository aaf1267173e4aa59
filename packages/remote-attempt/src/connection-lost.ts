/**
 * The SSH connection died (or the server refused a further session on it) before the outcome was known. Commands on the
 * node go on: connect again and call the same function with the same key.
 */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** The connection works, but the server refused to open another session on it (mostly because of its MaxSessions). */
export class SessionRefused extends ConnectionLost {}

/** The login on the node did not end, so the shell reads no commands: nothing was sent to it. */
export class LoginStuck extends ConnectionLost {
  constructor(address: string, seconds: number) {
    super(
      `the login on ${address} did not come to its end in ${seconds} s: a command in a login file of the user ` +
        '(.bashrc, .profile, .zshenv, config.fish, or their likes in /etc) reads standard input, does not end, or starts ' +
        'another shell; let the file return at once where the shell is not interactive ' +
        '(case $- in *i*) ;; *) return ;; esac)',
    );
  }
}
