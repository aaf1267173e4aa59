# How a command runs once: the protocol between everyone who touches an attempt.
#
# Stands first in every script. Set before: rg_nonce, rg_key.
#
# THE PARTIES. A starter (start.sh) begins an attempt and, when it wins, stays as the runner: it runs the command and
# records how it ended. A follower (follow.sh) finds an attempt again and passes on its output. A stopper (stop.sh)
# ends one. Any number of each may work on the same attempt at the same time, over different connections, and each
# may be killed between any two system calls. A starter whose attempt has its exit record may go on with another
# attempt; in every other case it ends.
#
# THE FILES of an attempt, in ~/.rigel/attempts (or elsewhere when that cannot be written, see places.sh): <key>.journal, <key>.output and <key>.action-<number>, or
# <key>.private-<number> for an action with a secret, which the action removes as the first thing it does. Making the
# journal, with O_EXCL (the shell's noclobber), is the test who came first. Nothing is decided by <key>.guard and probe, see
# guard.sh.
#
# THE JOURNAL is how all parties agree. It is only ever appended to, a line at a time, with a single write(2) to a file
# opened with O_APPEND, which the kernel does not interleave. So the lines have one order, the same for every reader,
# and a decision is made by the line that comes FIRST:
#
#   run <boot id> <pid> <start time> .    the starter claims the right to run the command
#   session <pid> <start time> - .        the command's own session, apart from the runner's; written by the process that
#                                         becomes its leader, before it does
#   void - - - .                          a follower's verdict: no claim came in time; none counts any more
#   stop <grace> <due> <stopper> .        a stopper's wish: a later claim does not count, a later exit neither; KILL
#                                         comes <grace> hundredths of a second later, when the node has been up for <due>
#                                         of them. The first one counts: no other makes the time shorter. <stopper> is
#                                         its process, `pid:start time`, who sends TERM as long as it is alive
#   seen <pid> <start time> <session> .   a stopper found this process, which is certainly of the attempt: a later stopper
#                                         knows it again, whatever has become of the runner
#   term <start time> - - .               TERM was sent to all that had begun before then, and goes to none begun later
#   nostart <what> - - .                  the runner could not prepare the files: nothing ran, nothing will. `elsewhere`:
#                                         the attempt is in another place, too; what became of it is told there
#   exit <status> <action> <bytes> .      the runner's record: the command ended, <bytes> are in the output file
#   unknown <why> - <bytes> .             a verdict: the runner is gone without an exit record
#   limit <head> <tail> - .               how many bytes of the beginning and of the end of the output are kept and passed on;
#                                         written before anything of the file is given up, so that everybody passes on the same
#   full - - - .                          the disk took no more: output may be missing; written before the exit record
#   stopped - - <bytes> .                 a stopper's record: it looked, and nothing of the attempt is alive any more
#
# The first release wrote `-` for <start time> of a session, for <due> and for <stopper>, and knew neither `seen` nor `term`: to
# its scripts they are lines that mean nothing, which is never an end.
#
# Whoever appends a line that may be too late reads the journal again and goes by what it says. A line counts only
# when it is complete, with its final ` .`; a torn line (disk full) is skipped, and every line is
# preceded by a newline so that it cannot be glued to a torn one.
#
# WHO MAY CLAIM. Only the one who made the journal. A journal without a claim is therefore never a reason to start:
# its maker is about to claim, or died before it did, or the claim was lost in a power failure, and only in the last
# case the command may have run.
#
# THE CRASH POINTS, in the order of a starter's life:
#   before the journal    no trace: the next one starts the attempt.
#   journal .. run        followers wait for the claim for a bounded time, then append `void` and read again. If a
#                         claim stands before it, the runner is alive and is followed; else the outcome is unknown,
#                         and a starter that was only slow finds `void` before its own claim and does not run.
#   run .. exit           the claim names the runner (pid, start time of that pid, boot id). A follower that finds it
#                         gone reads the journal once more, since the exit record is written before the runner ends,
#                         and then appends `unknown`. It never starts the command again.
#   exit, disk full       the runner tries until the record is written; it is alive meanwhile, so nobody judges.
#   after exit            everyone reads the same outcome.
#   stop .. stopped       a follower waits, then asks for the stop again, which is idempotent.
#   the journal removed   the output file, which is made after it, tells that there was one: the outcome is unknown.
#
# DETACHED. The runner is the very shell that the SSH server started: a session leader without a terminal, so that
# the loss of the connection sends it no signal. It reads nothing from and writes nothing to the connection while the
# command runs. Where the server did not make it a session leader, it is started again through setsid. The command
# gets a session of its own, so that the next one finds nothing of it in its session and process group.
#
# FORKS AND EXECS are what this costs a node, a directory per attempt most of all; hence builtins wherever there are any.

rg_base=$HOME/.rigel/attempts
rg_file=$rg_base/$rg_key
rg_journal=$rg_file.journal
rg_last=
rg_newline='
'

rg_say() {
  printf '\n%s %s\n' "$rg_nonce" "$*"
}

# Makes the folder of all attempts, for the first one on this node. On failure rg_message says why.
rg_make_base() {
  rg_message=$(
    umask 077
    export LC_ALL=C
    exec mkdir -p "$rg_base" 2>&1
  )
}

rg_put() {
  { printf '\n%s .\n' "$*" >>"$rg_journal"; } 2>/dev/null
}

# Reads a journal. Sets
#   rg_first   run, stop or void: what came first
#   rg_boot rg_pid rg_start   the runner of `run`
#   rg_sid rg_sid_start   the command's own session, if it has one, and the start time of its leader, if it is known
#   rg_stop rg_due rg_stopper   of the first stop that was wished for before the end; the last two if they are known
#   rg_wished  set when a stop was wished for, at whatever time
#   rg_seen    ` <pid>:<start time>:<session>` for each process that a stopper has found
#   rg_term    when the processes had begun that TERM was sent to, if it was
#   rg_end rg_a rg_b rg_c     the outcome and its three fields; empty while there is none
#   rg_limit   the bytes of the output's beginning and of its end that are kept, once that was settled
#   rg_lost    set when output may be missing because the disk was full
#   rg_gone    set when nothing of the attempt is alive any more
#   rg_bad     set when there are lines that mean nothing
rg_fold() {
  rg_fold_nothing
  [ -f "$1" ] || return 0
  rg_fold_more 2>/dev/null <"$1"
}

rg_fold_nothing() {
  rg_first= rg_boot= rg_pid= rg_start= rg_sid= rg_sid_start= rg_stop= rg_due= rg_stopper= rg_wished= rg_seen=' ' rg_term=
  rg_end= rg_a= rg_b= rg_c= rg_limit= rg_lost= rg_gone= rg_bad=
}

# Goes on with the lines on standard input: a shell reads them a byte at a time, so that it pays not to begin again.
rg_fold_more() {
  while read -r rg_w rg_1 rg_2 rg_3 rg_dot || [ -n "$rg_w" ]; do
    case "$rg_w $rg_dot" in
      ' ') ;;
      'run .')
        case $rg_2$rg_3 in
          *[!0-9]*) rg_bad=1 ;;
          *) [ -n "$rg_first" ] || { rg_first=run rg_boot=$rg_1 rg_pid=$rg_2 rg_start=$rg_3; } ;;
        esac
        ;;
      'session .')
        case $rg_1 in
          '' | *[!0-9]*) rg_bad=1 ;;
          *)
            rg_sid=$rg_1
            case $rg_2 in
              '' | *[!0-9]*) rg_sid_start= ;;
              *) rg_sid_start=$rg_2 ;;
            esac
            ;;
        esac
        ;;
      'seen .')
        case $rg_1:$rg_2:$rg_3 in
          *[!0-9:]* | :* | *::* | *:) rg_bad=1 ;;
          *) rg_seen="$rg_seen$rg_1:$rg_2:$rg_3 " ;;
        esac
        ;;
      'term .')
        case $rg_1 in
          '' | *[!0-9]*) rg_bad=1 ;;
          *) rg_term=${rg_term:-$rg_1} ;;
        esac
        ;;
      'limit .')
        case $rg_1:$rg_2 in
          *[!0-9:]* | :* | *::* | *:) rg_bad=1 ;;
          *) rg_limit=${rg_limit:-$rg_1 $rg_2} ;;
        esac
        ;;
      'full .') rg_lost=1 ;;
      'void .')
        [ -n "$rg_first" ] || { rg_first=void rg_gone=1; rg_outcome void - - 0; }
        ;;
      'stop .')
        rg_wished=1
        if [ -z "$rg_first" ]; then
          rg_first=stop rg_gone=1
          rg_outcome stopped - - 0
        elif [ -z "$rg_end" ]; then
          case $rg_1 in
            '' | *[!0-9]*) rg_bad=1 ;;
            *) [ -n "$rg_stop" ] || rg_wish "$rg_1" "$rg_2" "$rg_3" ;;
          esac
        fi
        ;;
      'exit .')
        case $rg_1:$rg_2:$rg_3 in
          *[!0-9:]* | :* | *::* | *:) rg_bad=1 ;;
          *) [ "$rg_first" != run ] || [ -n "$rg_end$rg_stop" ] || { rg_gone=1; rg_outcome exit "$rg_1" "$rg_2" "$rg_3"; } ;;
        esac
        ;;
      'nostart .')
        [ "$rg_first" != run ] || [ -n "$rg_end$rg_stop" ] || { rg_gone=1; rg_outcome nostart "$rg_1" - 0; }
        ;;
      'unknown .')
        case $rg_3 in
          '' | *[!0-9]*) rg_bad=1 ;;
          *) [ -n "$rg_end$rg_stop" ] || rg_outcome unknown "$rg_1" - "$rg_3" ;;
        esac
        ;;
      'stopped .')
        rg_gone=1
        case $rg_3 in
          '' | *[!0-9]*) rg_bad=1 ;;
          *) [ -n "$rg_end" ] || rg_outcome stopped - - "$rg_3" ;;
        esac
        ;;
      *) rg_bad=1 ;;
    esac
  done
  return 0
}

rg_wish() {
  rg_stop=$1
  case $2 in
    '' | *[!0-9]*) ;;
    *) rg_due=$2 ;;
  esac
  case $3 in
    *[!0-9:]* | :* | *: | *:*:*) ;;
    *:*) rg_stopper=$3 ;;
  esac
}

rg_outcome() {
  rg_end=$1 rg_a=$2 rg_b=$3 rg_c=$4
}

# What was settled counts, whatever the setting of who follows is.
rg_use_limit() {
  [ $# != 2 ] || { rg_head=$1 rg_tail=$2; }
}

# Says what is to be known before the end is told.
rg_say_kept() {
  [ -z "$rg_limit" ] || rg_say limit $rg_limit
  [ -z "$rg_lost" ] || rg_say full
}

# The number of bytes in the output file, in rg_size.
rg_measure() {
  rg_size=0
  [ ! -s "$rg_file.output" ] || rg_size=$(wc -c <"$rg_file.output")
  rg_size=$((rg_size))
}

# Sends the output file from byte $1 up to byte $2, rounded out to whole blocks; the receiver cuts. With rg_last set
# to exec it replaces the shell, which saves a fork.
rg_send() {
  rg_say out $(($1 / 4096 * 4096))
  $rg_last dd if="$rg_file.output" bs=4096 skip=$(($1 / 4096)) count=$((($2 + 4095) / 4096 - $1 / 4096)) 2>/dev/null
}

# Sends what is missing of an output file that ended with $2 bytes, when everything before byte $1 has been sent. The
# last command gets $3 in front.
rg_send_rest() {
  if [ "$2" -le $((rg_head + rg_tail)) ]; then
    [ "$2" -gt "$1" ] || return 0
    rg_last=${3:-}
    rg_send "$1" "$2"
  else
    [ "$1" -ge "$rg_head" ] || rg_send "$1" "$rg_head"
    rg_last=${3:-}
    rg_send $(($2 - rg_tail)) "$2"
  fi
  rg_last=
}

# The fields of /proc/<pid>/stat from the third on, in rg_stat; the second, the name, may hold anything.
rg_stat() {
  rg_stat=
  { read -r rg_stat <"/proc/$1/stat"; } 2>/dev/null
  rg_stat=${rg_stat##*) }
}

# Hundredths of a second since the node was started, in rg_time.
rg_now() {
  rg_uptime=0.00
  { read -r rg_uptime rg_rest </proc/uptime; } 2>/dev/null
  rg_cs=${rg_uptime#*.}
  rg_time=$((${rg_uptime%.*} * 100 + 1$rg_cs - 100))
}

rg_boot_now() {
  rg_boot_id=-
  { read -r rg_boot_id </proc/sys/kernel/random/boot_id; } 2>/dev/null
  rg_boot_id=${rg_boot_id:--}
}

# Whether the runner of the journal that was read last is alive: same boot, same pid, and no later process with it.
rg_alive() {
  [ "$rg_boot" = "$rg_boot_id" ] || return 1
  rg_stat "$rg_pid"
  rg_is_runner $rg_stat
}

rg_is_runner() {
  case ${1:-X} in
    Z | X) return 1 ;;
  esac
  [ "${20}" = "$rg_start" ]
}
