# Stops an attempt: its whole process tree, wherever it has got to; or sees to it that it never starts. See common.sh.
#
# Set before: rg_grace (hundredths of a second between TERM and KILL), rg_others (see places.sh).
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
    run:nostart)
      # It may be about to begin in another place.
      [ -n "$rg_wished" ] || rg_put stop "$rg_grace" - - || rg_stop_elsewhere || :
      rg_done never_started
      ;;
    void:* | stop:*) rg_done never_started ;;
  esac
  [ -z "$rg_gone" ] || rg_done stopped
}

rg_locate
rg_fold "$rg_journal"
rg_tell
# For an attempt that has not started the journal is a tombstone: a later starter finds it taken.
if ! rg_put stop "$rg_grace" - -; then
  rg_why=
  rg_make_base || rg_why="the directory $rg_base cannot be made: $rg_message"
  rg_put stop "$rg_grace" - - || rg_stop_elsewhere || rg_done failed "${rg_why:-$rg_journal cannot be written (is the disk full?)}"
fi
rg_fold "$rg_journal"
rg_tell

rg_tag=RIGEL_ATTEMPT=$rg_key

# GNU grep can look into many environments at once; where that is missing, one at a time.
if printf 'a\0%s\0' "$rg_tag" | grep -zqxF "$rg_tag" 2>/dev/null; then
  rg_tagged() {
    grep -lzxsF "$rg_tag" /proc/[0-9]*/environ
  }
else
  rg_tagged() {
    for rg_environ in /proc/[0-9]*/environ; do
      rg_p=${rg_environ%/environ}
      rg_stat "${rg_p#/proc/}"
      rg_is_young $rg_stat || continue
      { tr '\0' '\n' <"$rg_environ" | grep -qxF "$rg_tag" && printf '%s\n' "$rg_environ"; } 2>/dev/null
    done
  }
fi

# Whether a process is alive and not older than the attempt; of its fields of stat, from the third on.
rg_is_young() {
  case ${1:-X} in
    Z | X) return 1 ;;
  esac
  [ "${20:-0}" -ge "$rg_start" ] 2>/dev/null
}

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

# Looks at one line of rg_table, `/proc/<pid>/stat:<stat>`, and puts the process into rg_found when it is one that
# rg_tags names, belongs to the attempt's session, or is a child of the runner or of one found before.
rg_look() {
  case $1 in
    /proc/[1-9]*/stat:*) ;;
    *) return ;;
  esac
  rg_p=${1%%/stat:*}
  rg_p=${rg_p#/proc/}
  rg_judge ${1##*) }
}

rg_judge() {
  rg_is_young "$@" || return
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
  case "$rg_tags:$rg_found" in
    *" $rg_p "*:* | *:*" $2 "*) rg_found="$rg_found$rg_p " ;;
  esac
}

# The words of $1 as alternatives of a regular expression.
rg_any() {
  set -f
  set -- $1
  set +f
  IFS='|'
  rg_alternatives="$*"
  unset IFS
}

# The lines of rg_table worth a look by the shell, which takes a hundred times as long for each as grep does: those that
# rg_tags names, and by parent or session. A name with ` ) ` in it may bring lines too many, never too few.
rg_pick() {
  rg_any "$rg_tags $rg_session"
  rg_pids=$rg_alternatives
  rg_any "$rg_found $rg_runner"
  rg_expression="^/proc/(${rg_pids:--})/stat:|\\) [A-Za-z] (${rg_alternatives:--}) |\\) [A-Za-z] [0-9]+ [0-9]+ ${rg_session:--} "
  rg_picked=$(printf '%s\n' "$rg_table" | LC_ALL=C grep -E "$rg_expression" 2>/dev/null)
  # Without a grep that can do this, or with too many processes for it, every line gets its look.
  [ $? -le 1 ] || rg_picked=$rg_table
}

# Finds the living processes of the attempt: its session, whoever carries the attempt's key in its
# environment (daemons that left the session), and all their descendants.
rg_scan() {
  rg_roots
  rg_tags=' '
  for rg_environ in $(rg_tagged); do
    rg_p=${rg_environ#/proc/}
    rg_tags="$rg_tags${rg_p%/environ} "
  done
  # The name of the file in front keeps each line whole: names of programs may hold anything, also line ends.
  rg_table=$(LC_ALL=C grep -s '' /proc/[0-9]*/stat /dev/null)
  case $rg_table in
    *"/proc/$$/stat:"*) ;;
    *) rg_done failed 'the processes of this node cannot be listed: grep over /proc shows nothing' ;;
  esac
  rg_found=' '
  while :; do
    rg_before=$rg_found
    rg_pick
    IFS=$rg_newline
    set -f
    set -- $rg_picked
    unset IFS
    set +f
    for rg_line; do
      rg_look "$rg_line"
    done
    [ "$rg_found" != "$rg_before" ] || return 0
  done
}

# Waits until all that were found are gone; for half a second at most, as others may have been started since, and not
# past the time for KILL.
rg_wait() {
  for rg_tick in 1 2 3 4 5; do
    sleep 0.1 2>/dev/null || sleep 1
    rg_now
    [ $rg_time -lt $rg_kill_at ] || return 0
    rg_left=
    for rg_p in $rg_found; do
      rg_stat "$rg_p"
      ! rg_is_young $rg_stat || rg_left=1
    done
    [ -n "$rg_left" ] || return 0
  done
}

rg_boot_now
rg_empty=0 rg_told=' '
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
    rg_wait
  done
fi

# An action that was ended before it began has not removed its file itself.
set -- "$rg_file".private-*
[ ! -e "$1" ] || rm -f "$@"
rg_measure
rg_put stopped - - "$rg_size"
rg_fold "$rg_journal"
[ -n "$rg_gone" ] || rg_done failed "$rg_journal cannot be written (is the disk full?)"
rg_done stopped
