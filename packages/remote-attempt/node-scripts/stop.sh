# Stops an attempt: its whole process tree, wherever it has got to; or sees to it that it never starts. See common.sh.
#
# Set before: rg_grace (hundredths of a second between the first stop and KILL), rg_others (see places.sh).
#
# Says
#   wait <hundredths>   it may take so long until KILL is due; then one of
#   stopped             nothing of it is alive any more
#   already_exited      the command had ended by itself; what it left running on purpose is left alone
#   never_started       it had not begun to run its command, and never will
#   alive <number> <pid>/<user>/<name> ...   so many withstand KILL, or may be of it; some of them. A negative pid is a
#                       process group, of which nothing else can be seen
#   failed <why>        nothing could be done
#
# SEEN, NEVER CONCLUDED. `stopped` is written only when a look over all processes shows nothing that is, or may be, of
# the attempt. Killed is only what certainly is:
#   - what carries the attempt's key in its environment, as far as that can be read;
#   - what this or an earlier stopper has found for certain (`seen`: the same pid with the same start time);
#   - the members of its sessions, and all descendants of these. Its sessions are the command's own and those that
#     processes of it lead. A session's number may be given to a stranger once no member is left. It is certainly still
#     the attempt's while the runner lives (for the command's own), its leader is the one that was recorded, a member is
#     certain for another reason, or members were seen by the look before. It is certainly a stranger's when its leader
#     is another one.
# Where a session is neither, its members and their descendants are in doubt: they are told of and not killed.
#
# HIDDEN PROCESSES. Where /proc does not show the processes of other users (hidepid), a signal to a process group still
# tells whether anybody is in it: what may not be signalled is there.

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
rg_stat $$
set -- $rg_stat
rg_me=$$:${20:-0}
if [ -z "$rg_stop" ]; then
  rg_now
  rg_stop_line="stop $rg_grace $((rg_time + rg_grace)) $rg_me"
  # For an attempt that has not started the journal is a tombstone: a later starter finds it taken.
  if ! rg_put "$rg_stop_line"; then
    rg_why=
    rg_make_base || rg_why="the directory $rg_base cannot be made: $rg_message"
    rg_put "$rg_stop_line" || rg_stop_elsewhere || rg_done failed "${rg_why:-$rg_journal cannot be written (is the disk full?)}"
  fi
  rg_fold "$rg_journal"
  rg_tell
fi

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

# Whether a process is alive and not older than the attempt; of its fields of stat, from the third on. One whose first
# thread has ended looks like a zombie while its others live.
rg_is_young() {
  case ${1:-X} in
    X) return 1 ;;
    Z) [ "${18:-1}" -gt 1 ] 2>/dev/null || return 1 ;;
  esac
  [ "${20:-0}" -ge "$rg_start" ] 2>/dev/null
}

# Whether the very process is alive, or not yet forgotten: $1 is `pid:start time`.
rg_is_there() {
  rg_stat "${1%%:*}"
  set -- "$1" $rg_stat
  [ "${21:-}" = "${1#*:}" ]
}

# Sorts the session $1, whose leader began at $2 (empty: nobody knows), into rg_sure or rg_doubt, or into neither when the
# number is a stranger's.
rg_weigh() {
  case "$rg_sure$rg_doubt" in
    *" $1 "*) return ;;
  esac
  rg_stat "$1"
  set -- "$1" "$2" $rg_stat
  if [ -n "${22:-}" ] && [ "${22}" = "$2" ]; then
    rg_sure="$rg_sure$1 "
  elif [ -n "${22:-}" ] && { [ -n "$2" ] || [ "$1" = $$ ]; }; then
    return
  else
    case $rg_kept in
      *" $1 "*) rg_sure="$rg_sure$1 " ;;
      *) rg_doubt="$rg_doubt$1 " ;;
    esac
  fi
}

# The sessions that may be the attempt's, and the runner, while that is alive and not in one of them: it ends by itself.
rg_roots() {
  rg_fold "$rg_journal"
  # When the claim itself is damaged, the tag alone has to do.
  rg_start=${rg_start:-0}
  rg_runner= rg_sure=' ' rg_doubt=' '
  if rg_alive; then
    rg_runner=${rg_sid:+$rg_pid}
    rg_sure=" ${rg_sid:-$rg_pid} "
  elif [ -n "$rg_sid" ]; then
    rg_weigh "$rg_sid" "$rg_sid_start"
  elif [ -n "$rg_pid" ]; then
    rg_weigh "$rg_pid" "$rg_start"
  fi
  for rg_word in $rg_seen$rg_known; do
    rg_p=${rg_word%%:*}
    [ "$rg_p" != "${rg_word##*:}" ] || {
      rg_word=${rg_word%:*}
      rg_weigh "$rg_p" "${rg_word#*:}"
    }
  done
}

# Looks at one line of rg_table, `/proc/<pid>/stat:<stat>`.
rg_look() {
  case $1 in
    /proc/[1-9]*/stat:*) ;;
    *) return ;;
  esac
  rg_p=${1%%/stat:*}
  rg_p=${rg_p#/proc/}
  rg_judge ${1##*) }
}

# Puts the process into rg_found, and what there is to know of it into rg_details, when it is one that rg_tags or
# rg_words name, a member of rg_sessions, or a child of the runner or of one found before.
rg_judge() {
  rg_is_young "$@" || return
  case $rg_p:$2 in
    $$:* | *:$$ | "$rg_runner":*) return ;;
  esac
  case $rg_found$rg_except in
    *" $rg_p "*) return ;;
  esac
  case $2 in
    "${rg_runner:--}") ;;
    *)
      case "$rg_sessions:$rg_tags:$rg_found:$rg_words" in
        *" $4 "*:*:*:* | *:*" $rg_p "*:*:* | *:*:*" $2 "*:* | *:*:*:*" $rg_p:${20}:"*) ;;
        *) return ;;
      esac
      ;;
  esac
  rg_found="$rg_found$rg_p "
  rg_details="$rg_details$rg_p:${20}:$4 "
}

# The words of $1 as alternatives of a regular expression, of each what is before its first colon.
rg_any() {
  set -f
  set -- $1
  set +f
  rg_alternatives=
  for rg_word; do
    rg_alternatives=$rg_alternatives${rg_alternatives:+|}${rg_word%%:*}
  done
}

# The lines of rg_table worth a look by the shell, which takes a hundred times as long for each as grep does: those that
# are named, and by parent or session. A name with ` ) ` in it may bring lines too many, never too few.
rg_pick() {
  rg_any "$rg_tags $rg_words $rg_sessions"
  rg_pids=$rg_alternatives
  rg_any "$rg_sessions"
  rg_leaders=$rg_alternatives
  rg_any "$rg_found $rg_runner"
  rg_expression="^/proc/(${rg_pids:--})/stat:|\\) [A-Za-z] (${rg_alternatives:--}) |\\) [A-Za-z] [0-9]+ [0-9]+ (${rg_leaders:--}) "
  rg_picked=$(printf '%s\n' "$rg_table" | LC_ALL=C grep -E "$rg_expression" 2>/dev/null)
  # Without a grep that can do this, or with too many processes for it, every line gets its look.
  [ $? -le 1 ] || rg_picked=$rg_table
}

# Finds what rg_tags, rg_words, rg_sessions and rg_runner lead to, until a look finds no more.
rg_spread() {
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

# Finds the living processes that are certainly the attempt's, in rg_found and rg_details, and those that may be, in
# rg_suspects.
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
  rg_found=' ' rg_details=' ' rg_except=' ' rg_words=$rg_seen$rg_known
  rg_settled=
  while [ -z "$rg_settled" ]; do
    rg_sessions=$rg_sure
    rg_spread
    rg_settled=1
    # A certain member makes its session certain: the number cannot have been given away.
    for rg_word in $rg_details; do
      case $rg_doubt in
        *" ${rg_word##*:} "*)
          rg_doubt="${rg_doubt%% "${rg_word##*:}" *} ${rg_doubt#* "${rg_word##*:}" }"
          rg_sure="$rg_sure${rg_word##*:} "
          rg_settled=
          ;;
      esac
    done
  done
  rg_kept=' ' rg_known=' ' rg_sure_found=$rg_found rg_sure_details=$rg_details
  for rg_word in $rg_details; do
    rg_kept="$rg_kept${rg_word##*:} "
    case $rg_seen in
      *" $rg_word "*) ;;
      *) rg_known="$rg_known$rg_word " ;;
    esac
  done
  rg_suspects=' '
  if [ "$rg_doubt" != ' ' ]; then
    rg_sessions=$rg_doubt rg_tags=' ' rg_words=' ' rg_runner= rg_except=$rg_found rg_found=' '
    rg_spread
    rg_suspects=$rg_found
  fi
  rg_found=$rg_sure_found rg_details=$rg_sure_details
  [ -z "$rg_hidden" ] || [ "$rg_found$rg_suspects" != '  ' ] || rg_feel
}

# Whether somebody has the pid, or is in the process group, as far as signals tell. Only the clear no is one.
rg_answers() {
  rg_told=$(LC_ALL=C kill -0 "$1" 2>&1) && return 0
  case $rg_told in
    *[Nn]'o such process'*) return 1 ;;
  esac
}

# Nothing is seen, where others cannot be seen: asks the process groups of the attempt's sessions, and those that were seen.
rg_feel() {
  for rg_word in $rg_sure$rg_doubt; do
    ! rg_answers "-$rg_word" || rg_suspects="$rg_suspects-$rg_word "
  done
  for rg_word in $rg_seen; do
    rg_p=${rg_word%%:*}
    rg_stat "$rg_p"
    [ -n "$rg_stat" ] || ! rg_answers "$rg_p" || rg_suspects="$rg_suspects$rg_p "
  done
}

# Sets rg_hidden where processes of other users cannot be seen.
rg_look_at_proc() {
  rg_hidden=
  rg_stat 1
  if [ -z "$rg_stat" ]; then
    rg_hidden=1
  elif [ -O /proc/1 ] && grep -Eqs ' /proc proc [^ ]*hidepid=([124]|n|i|p)' /proc/self/mounts && [ "$(id -u)" != 0 ]; then
    # In a container process 1 may be of the same user.
    rg_hidden=1
  fi
}

# Waits until all that were found are gone; for rg_ticks tenths of a second at most, as others may have been started
# since, and not past the time for KILL.
rg_wait() {
  rg_tick=0
  while [ $rg_tick -lt $rg_ticks ]; do
    rg_tick=$((rg_tick + 1))
    sleep 0.1 2>/dev/null || sleep 1
    rg_was=$rg_time
    rg_now
    if [ $rg_was -lt $rg_kill_at ] && [ $rg_time -ge $rg_kill_at ]; then return 0; fi
    rg_left=
    for rg_word in $rg_details; do
      ! rg_is_there "${rg_word%:*}" || ! rg_is_young $rg_stat || rg_left=1
    done
    [ -n "$rg_left$rg_hidden" ] || [ "$rg_suspects" != ' ' ] || return 0
  done
}

# Puts what was found for certain into the journal, once each.
rg_remember() {
  for rg_word in $rg_details; do
    case $rg_seen in
      *" $rg_word "*) continue ;;
    esac
    rg_start_time=${rg_word%:*}
    rg_put seen "${rg_word%%:*}" "${rg_start_time#*:}" "${rg_word##*:}"
  done
}

rg_terminate() {
  kill -TERM "$1" 2>/dev/null
  # One that is suspended gets its TERM only when it goes on.
  kill -CONT "$1" 2>/dev/null
}

# Sends TERM to those that lived when it was sent first, once to each: a second one makes some programs skip their
# cleaning up, and what their cleaning up starts is to be left to work. That is up to the first stopper, while it lives.
rg_end_gently() {
  if [ "$rg_stopper" != "$rg_me" ] && [ -n "$rg_stopper" ] && rg_is_there "$rg_stopper"; then return; fi
  if [ -z "$rg_term" ]; then
    rg_remember
    # What was forked since the look began earlier than this process does.
    rg_stat=$(read -r rg_w </proc/self/stat && printf %s "$rg_w")
    set -- ${rg_stat##*) }
    for rg_p in $rg_found; do
      rg_terminate "$rg_p"
    done
    rg_put term "${20:-0}" - -
    return
  fi
  for rg_word in $rg_details; do
    case $rg_seen in
      *" $rg_word "*) continue ;;
    esac
    rg_start_time=${rg_word%:*}
    rg_start_time=${rg_start_time#*:}
    [ "$rg_start_time" -lt "$rg_term" ] || continue
    rg_put seen "${rg_word%%:*}" "$rg_start_time" "${rg_word##*:}"
    rg_terminate "${rg_word%%:*}"
  done
}

# What people know a process by, in rg_text: its pid, its user and its program's name.
rg_describe() {
  rg_text="$1/?/?"
  case $1 in
    -*) return ;;
  esac
  rg_user= rg_name=
  { read -r rg_name <"/proc/$1/comm"; } 2>/dev/null
  rg_name=${rg_name%%[!A-Za-z0-9._+-]*}
  while read -r rg_w rg_uid rg_euid rg_rest; do
    if [ "$rg_w" = Uid: ]; then
      rg_user=$rg_euid
      break
    fi
  done 2>/dev/null <"/proc/$1/status"
  while IFS=: read -r rg_w rg_1 rg_uid rg_rest; do
    if [ -n "$rg_user" ] && [ "$rg_uid" = "$rg_user" ]; then
      rg_user=$rg_w
      break
    fi
  done 2>/dev/null </etc/passwd
  rg_user=${rg_user%%[!A-Za-z0-9._+-]*}
  rg_text="$1/${rg_user:-?}/${rg_name:-?}"
}

rg_give_up() {
  LC_ALL=C
  rg_remember
  rg_forget_secrets
  rg_number=0 rg_texts=
  for rg_p in $rg_found $rg_suspects; do
    rg_number=$((rg_number + 1))
    [ $rg_number -le 20 ] || continue
    rg_describe "$rg_p"
    rg_texts="$rg_texts $rg_text"
  done
  rg_done alive "$rg_number$rg_texts"
}

# An action that was ended before it began has not removed its file itself.
rg_forget_secrets() {
  set -- "$rg_file".private-*
  [ ! -e "$1" ] || rm -f "$@"
}

rg_boot_now
rg_empty=0 rg_round=0 rg_ticks=5 rg_kept=' ' rg_known=' ' rg_killed=
# After a reboot nothing of it can be alive.
if [ "${rg_boot:-$rg_boot_id}" = "$rg_boot_id" ]; then
  rg_look_at_proc
  rg_now
  # KILL is due by the first stop, however many ask. In an older record its time is missing.
  rg_kill_at=${rg_due:-$((rg_time + rg_stop))}
  rg_give_up_at=$((rg_kill_at + 500))
  # One that looks again later has nothing to wait for but the effect of its own KILL.
  [ $rg_give_up_at -ge $((rg_time + 200)) ] || rg_give_up_at=$((rg_time + 200))
  [ $rg_kill_at -le $rg_time ] || rg_say wait $((rg_kill_at - rg_time))
  # Nothing found twice in a row, since a process that forks and ends can slip through one look.
  while [ $rg_empty -lt 2 ]; do
    rg_scan
    if [ "$rg_found$rg_suspects" = '  ' ]; then
      rg_empty=$((rg_empty + 1))
      continue
    fi
    rg_empty=0
    rg_now
    if [ $rg_time -ge $rg_give_up_at ]; then
      rg_give_up
    elif [ $rg_time -ge $rg_kill_at ]; then
      [ -n "$rg_killed" ] || rg_remember
      rg_killed=1
      [ "$rg_found" = ' ' ] || kill -KILL $rg_found 2>/dev/null
    else
      rg_end_gently
    fi
    rg_wait
    # The second look is for what was forked during the first one; a long grace time is not worth a look each moment.
    rg_round=$((rg_round + 1))
    [ $rg_round -lt 5 ] || rg_ticks=20
  done
fi

rg_forget_secrets
rg_measure
rg_put stopped - - "$rg_size"
rg_fold "$rg_journal"
[ -n "$rg_gone" ] || rg_done failed "$rg_journal cannot be written (is the disk full?)"
rg_done stopped
