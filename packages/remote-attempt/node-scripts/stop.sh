# Stops an attempt: its whole process tree, wherever it has got to; or sees to it that it never starts. See common.sh.
#
# Set before: rg_grace (hundredths of a second between TERM and KILL).
#
# Says one of
#   stopped          nothing of it is alive any more
#   already_exited   the command had ended by itself; what it left running on purpose is left alone
#   never_started    it had not begun to run its command, and never will
#   alive <pids>     these withstand KILL
#   failed <why>     nothing could be done

exec </dev/null

rg_done() {
  rg_say "$@"
  exit 0
}

[ -n "${HOME:-}" ] || rg_done failed 'HOME is not set for this user'

rg_tell() {
  case $rg_first:$rg_end in
    run:exit) rg_done already_exited ;;
    run:nostart | void:* | stop:*) rg_done never_started ;;
  esac
  [ -z "$rg_gone" ] || rg_done stopped
}

rg_fold "$rg_journal"
rg_tell
# For an attempt that has not started the journal is a tombstone: a later starter finds it taken.
if ! rg_put stop "$rg_grace" - -; then
  rg_make_base || rg_done failed "the directory $rg_base cannot be made: $rg_message"
  rg_put stop "$rg_grace" - - || rg_done failed "$rg_journal cannot be written (is the disk full?)"
fi
rg_fold "$rg_journal"
rg_tell

rg_now() {
  { read -r rg_uptime rg_rest </proc/uptime; } 2>/dev/null
  rg_cs=${rg_uptime#*.}
  rg_time=$((${rg_uptime%.*} * 100 + 1$rg_cs - 100))
}

rg_tag=RIGEL_ATTEMPT=$rg_key

# GNU grep can look into many environments at once; where that is missing, one at a time.
if printf 'a\0%s\0' "$rg_tag" | grep -zqxF "$rg_tag" 2>/dev/null; then
  rg_tagged() {
    grep -lzxsF "$rg_tag" "$@"
  }
else
  rg_tagged() {
    for rg_file; do
      { tr '\0' '\n' <"$rg_file" | grep -qxF "$rg_tag" && printf '%s\n' "$rg_file"; } 2>/dev/null
    done
  }
fi

# Where to begin: with the runner's session; or, once the command has one of its own, with that and the runner's
# children, while the runner itself ends by itself. A session's number says something only while the runner lives or its
# members were seen since: once all are gone the number may be given to a stranger.
rg_roots() {
  rg_fold "$rg_journal"
  # When the claim itself is damaged, the tag alone has to do.
  rg_start=${rg_start:-0}
  rg_alive || return 0
  rg_session=${rg_sid:-$rg_pid}
  rg_runner=${rg_sid:+$rg_pid}
}

# Looks at one line of /proc/<pid>/stat: puts the process into rg_found when it belongs to the attempt's session, is the
# runner's child or a descendant of one found before, else into rg_others when it is younger than the attempt.
rg_look() {
  rg_p=${1%% *}
  case $rg_p in
    '' | *[!0-9]*) return ;;
  esac
  rg_sort ${1##*) }
}

rg_sort() {
  case ${1:-X} in
    Z | X) return ;;
  esac
  [ "${20:-0}" -ge "$rg_start" ] 2>/dev/null || return
  case $rg_p:$2 in
    $$:* | *:$$ | "$rg_runner":*) return ;;
  esac
  case $rg_found in
    *" $rg_p "*) return ;;
  esac
  case $2:$4:$rg_p in
    "${rg_runner:--}":* | *:"${rg_session:--}":* | *:"${rg_session:--}")
      rg_found="$rg_found$rg_p "
      return
      ;;
  esac
  case $rg_found in
    *" $2 "*) rg_found="$rg_found$rg_p " ;;
    *) rg_others="$rg_others /proc/$rg_p/environ" ;;
  esac
}

# Finds the living processes of the attempt: its session, whoever carries the attempt's key in its
# environment (daemons that left the session), and all their descendants.
rg_scan() {
  rg_roots
  rg_table=$(cat /proc/[0-9]*/stat 2>/dev/null)
  rg_found=' '
  rg_tags_read=
  while :; do
    rg_before=$rg_found rg_others=
    IFS=$rg_newline
    set -f
    set -- $rg_table
    unset IFS
    set +f
    for rg_line; do
      rg_look "$rg_line"
    done
    if [ -z "$rg_tags_read" ] && [ -n "$rg_others" ]; then
      rg_tags_read=1
      for rg_file in $(rg_tagged $rg_others); do
        rg_p=${rg_file#/proc/}
        rg_found="$rg_found${rg_p%/environ} "
      done
    fi
    [ "$rg_found" != "$rg_before" ] || return 0
  done
}

rg_boot_now
rg_round=0 rg_empty=0 rg_told=' '
rg_session= rg_runner=
# After a reboot nothing of it can be alive.
if [ "${rg_boot:-$rg_boot_id}" = "$rg_boot_id" ]; then
  rg_now
  rg_kill_at=$((rg_time + rg_grace))
  rg_give_up_at=$((rg_kill_at + 1000))
  # Nothing found twice in a row, since a process that forks and ends can slip through one look.
  while [ $rg_empty -lt 2 ]; do
    rg_scan
    if [ "$rg_found" = ' ' ]; then
      rg_empty=$((rg_empty + 1))
      continue
    fi
    rg_empty=0
    rg_now
    if [ $rg_time -ge $rg_give_up_at ]; then
      rg_done alive $rg_found
    elif [ $rg_time -ge $rg_kill_at ]; then
      kill -KILL $rg_found 2>/dev/null
    else
      # Once to each: a second TERM makes some programs skip their cleaning up.
      for rg_p in $rg_found; do
        case $rg_told in
          *" $rg_p "*) ;;
          *)
            rg_told="$rg_told$rg_p "
            kill -TERM "$rg_p" 2>/dev/null
            # One that is suspended gets its TERM only when it goes on.
            kill -CONT "$rg_p" 2>/dev/null
            ;;
        esac
      done
    fi
    sleep 0.1 2>/dev/null || sleep 1
  done
fi

rg_measure
rg_put stopped - - "$rg_size"
rg_fold "$rg_journal"
[ -n "$rg_gone" ] || rg_done failed "$rg_journal cannot be written (is the disk full?)"
rg_done stopped
