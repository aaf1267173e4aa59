# Starts an attempt, waits for it and tells its outcome; or says who is in the way. See common.sh.
#
# Set before: rg_head rg_tail (see rg_send_rest), rg_previous (key of an earlier attempt, or empty).
# Defined before: rg_write_actions (writes the action files, fails with the file's name in rg_what) and
# rg_run_actions (runs them; leaves the status in rg_status and the number of the last one that ran in rg_action).
#
# Says one of these; or nothing, and ends with status 99 or by a signal when it may have done something
#   leader               nothing was done: not a session leader, start this again through setsid
#   previous             nothing was done: the previous attempt is to be stopped first
#   taken                nothing was done: the attempt is somebody else's, follow it
#   nostart <why>        nothing ran and nothing will
#   end exit <status> <action> <bytes>    the outcome, followed by the output

rg_refuse() {
  rg_say nostart "$*"
  exit 0
}

[ -n "${HOME:-}" ] || rg_refuse 'HOME is not set for this user'
cd "$HOME" 2>/dev/null || rg_refuse "the home directory $HOME cannot be entered"

rg_stat $$
rg_leader() {
  rg_start=${20:-}
  [ "${4:-}" = $$ ]
}
rg_leader $rg_stat || {
  rg_say leader
  exit 0
}
rg_own_start=$rg_start
rg_boot_now

if [ -n "$rg_previous" ]; then
  rg_fold "$rg_base/$rg_previous.journal"
  [ -n "$rg_gone" ] || {
    rg_say previous
    exit 0
  }
fi

rg_taken() {
  rg_say taken
  exit 0
}

# A journal that was there and is gone is no reason to run again.
if [ -e "$rg_file.output" ] && [ ! -e "$rg_journal" ]; then
  rg_put unknown damaged - 0
  rg_taken
fi

# From here on it may do something. Should this shell give up by itself (it cannot fork, say), its status tells; being
# killed tells as well.
trap 'exit 99' EXIT
# A shell reports a child's death by a signal on standard error, and would die of it once the connection is gone.
exec 2>/dev/null
# An action may signal its process group, which is also ours (`trap 'kill 0' EXIT` is a habit). Caught, not ignored: what
# is ignored stays so in the actions.
trap : HUP INT QUIT PIPE ALRM TERM USR1 USR2
rg_make_journal() {
  set -C
  true >"$rg_journal"
}
if ! { rg_make_journal; } 2>/dev/null; then
  [ ! -e "$rg_journal" ] || rg_taken
  rg_make_base || rg_refuse "the directory $rg_base cannot be made: $rg_message"
  rg_message=$(rg_make_journal 2>&1) || {
    [ ! -e "$rg_journal" ] || rg_taken
    rg_refuse "$rg_journal cannot be made: $rg_message"
  }
fi
set +C

rg_put run "$rg_boot_id" $$ "$rg_own_start" || rg_refuse "$rg_journal cannot be written (is the disk full?)"
rg_fold "$rg_journal"
[ -n "$rg_first" ] || rg_refuse "$rg_journal cannot be written (is the disk full?)"
[ "$rg_first" = run ] && [ -z "$rg_end$rg_stop" ] || rg_taken

rg_what=output
{ true >"$rg_file.output" && rg_write_actions; } 2>/dev/null || {
  rg_put nostart "$rg_what" - -
  rg_refuse "$rg_file.$rg_what cannot be written (is the disk full?)"
}

rg_run_actions

rg_measure
until rg_put exit "$rg_status" "$rg_action" "$rg_size"; do
  # Someone removed the folder: there is nowhere to record the outcome any more.
  [ -d "$rg_base" ] || rg_taken
  sleep 1
done
rg_fold "$rg_journal"
[ "$rg_end" = exit ] || rg_taken
rg_say end exit "$rg_status" "$rg_action" "$rg_size"
rg_send_rest 0 "$rg_size"
