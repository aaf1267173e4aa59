/**
 * The SSH connection died (or the server refused a further session on it) before the outcome was known. What was
 * running on the node goes on: connect again and call the same function with the same key.
 */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** The connection stands, but the server refused to open another session on it (its MaxSessions, mostly). */
export class SessionRefused extends ConnectionLost {}

/** The login on the node did not come to its end, so that no command of ours was read: nothing was sent. */
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
