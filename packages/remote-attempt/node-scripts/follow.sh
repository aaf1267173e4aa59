# Follows an attempt: passes its output on while it runs and tells its outcome, which it judges itself when the
# runner is gone. See common.sh.
#
# Set before: rg_head rg_tail (see rg_send_rest), rg_from (byte of the output file to begin with).
#
# Says
#   absent                        there is no such attempt
#   found                         there is; then any of
#   limit <head> <tail>           so many bytes of the output's beginning and of its end are passed on
#   out <byte>                    followed by output from that byte on; behind the beginning it may be a later one than
#                                 is due, for a command that writes faster than it can be watched
#   full                          output may be missing, the disk was full
#   .                             nothing: it ends the output before it, and finds out whether we are still heard
#   stopping                      a stop was begun and not finished; stop it again
#   end <outcome> <a> <b> <bytes> followed by the rest of the output; see common.sh

exec </dev/null

[ -n "${HOME:-}" ] && [ -e "$rg_journal" ] || {
  rg_say absent
  exit 0
}
rg_say found
rg_boot_now

rg_fold "$rg_journal"
if [ -z "$rg_end" ]; then
  # What was settled before holds.
  [ -n "$rg_limit" ] || rg_put limit "$rg_head" "$rg_tail" -
  rg_fold "$rg_journal"
fi
# Without the record nothing may be given up.
rg_unguarded=$rg_limit
rg_use_limit $rg_limit
rg_say limit "$rg_head" "$rg_tail"

# How much of the output's end is passed on at a look, once the beginning has been: what a person can read, times ten. What is
# before the end that is kept may be a hole.
rg_glance=8192
[ $rg_glance -le "$rg_tail" ] || rg_glance=$rg_tail

# A claim that is not there after so many tenths of a second never counts; a starter needs milliseconds. A stop that
# is not done so long after its KILL was abandoned.
rg_patience=50
rg_naps=0 rg_waited=0 rg_stop_seen=
rg_at=$rg_from

rg_judge() {
  rg_measure
  case $1 in
    void) rg_put void - - - ;;
    *) rg_put unknown "$1" - "$rg_size" ;;
  esac
  rg_fold "$rg_journal"
  if [ -n "$rg_end$rg_stop" ]; then return; fi
  # The claim came first after all.
  if [ "$1$rg_first" = voidrun ]; then return; fi
  # A verdict that cannot be written (a read-only disk) is still one.
  rg_outcome unknown "$1" - "$rg_size"
}

rg_nap() {
  rg_naps=$((rg_naps + 1))
  if [ $rg_naps -le 25 ]; then
    rg_interval=0.2 rg_waited=$((rg_waited + 2))
  elif [ $rg_naps -le 75 ]; then
    rg_interval=0.5 rg_waited=$((rg_waited + 5))
  else
    rg_interval=1 rg_waited=$((rg_waited + 10))
  fi
  # Not every sleep knows fractions.
  sleep $rg_interval 2>/dev/null || sleep 1
  [ $((rg_naps % 10)) -ne 0 ] || rg_say . || exit 0
}

while :; do
  rg_fold "$rg_journal"
  if [ -z "$rg_end" ]; then
    if [ -n "$rg_stop" ]; then
      rg_stop_seen=${rg_stop_seen:-$rg_waited}
      [ $((rg_waited - rg_stop_seen)) -lt $((rg_patience + rg_stop / 10)) ] || {
        rg_say stopping
        exit 0
      }
    elif [ -z "$rg_first" ] && [ -n "$rg_bad" ]; then
      rg_judge damaged
    elif [ -z "$rg_first" ]; then
      [ $rg_waited -lt $rg_patience ] || rg_judge void
    elif [ "$rg_boot" != "$rg_boot_id" ]; then
      rg_judge rebooted
    elif ! rg_alive; then
      rg_fold "$rg_journal"
      if [ -z "$rg_end$rg_stop" ]; then
        if [ -n "$rg_bad" ]; then rg_judge damaged; else rg_judge gone; fi
      fi
    fi
  fi
  if [ -n "$rg_end" ]; then
    [ -z "$rg_lost" ] || rg_say full
    # Behind the beginning something may have been passed over.
    [ "$rg_at" -le "$rg_head" ] || rg_at=$rg_head
    rg_say end "$rg_end" "$rg_a" "$rg_b" "$rg_c"
    rg_send_rest "$rg_at" "$rg_c" exec
    exit 0
  fi
  rg_measure
  # A guard is for what takes long, or writes much.
  if [ -n "$rg_unguarded" ] && [ "$rg_first" = run ] && { [ $rg_naps -ge 5 ] || [ $rg_size -gt $((rg_head + rg_tail)) ]; }; then
    rg_start_guard
    rg_unguarded=
  fi
  if [ $rg_size -gt "$rg_at" ]; then
    if [ "$rg_at" -lt "$rg_head" ]; then
      [ $rg_size -le "$rg_head" ] || rg_size=$rg_head
    elif [ $((rg_size - rg_at)) -gt $rg_glance ]; then
      rg_at=$((rg_size - rg_glance))
    fi
    rg_send "$rg_at" "$rg_size"
    rg_say . || exit 0
    rg_at=$rg_size
  fi
  rg_nap
done
