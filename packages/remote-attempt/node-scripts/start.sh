# Starts attempts, one after the other: for each it waits for the end and tells the outcome, or says who is in the way.
# See common.sh.
#
# This part is sent once and only defines. Each attempt is then a compound command of its own on standard input:
# settings, rg_write_actions (writes the action files, fails with the file's name in rg_what) and rg_run_actions (runs
# them; leaves the status in rg_status and the number of the last one that ran in rg_action), and last rg_attempt.
# Settings: rg_key, rg_own (set when the command is to get a session apart from this shell's), rg_wide (set when what the
# command starts may leave its process group), rg_foreign (set when it may run as another user), rg_head rg_tail (see
# rg_send_rest), rg_previous (key of an earlier attempt, or empty), rg_sync (set when the command restarts the node);
# rg_others and rg_place (see places.sh), rg_place_boot (the boot id that was recorded with the place), rg_mine (set when the
# starter that said `unwritable` had made the journal at home).
#
# Says one of these; or nothing, and ends with status 99 or by a signal when it may have done something
#   leader               nothing was done: not a session leader, start this again through setsid
#   previous             nothing was done: the previous attempts are to be stopped first
#   taken                nothing was done: the attempt is somebody else's, follow it
#   nostart <why>        nothing ran and nothing will
#   unwritable <mine> <why>   nothing was done: the files cannot be made at home; <mine> is `mine` or `-`
#   limit <head> <tail>  before the outcome: so much is kept of the output
#   full                 before the outcome: output may be missing, the disk was full
#   end exit <status> <action> <bytes>    the outcome, followed by the output, followed by one of
#     .                  the shell ends, as after everything else
#     next               the shell waits for another attempt

# Output up to this size is read by the shell itself, a byte at a time.
rg_small=1024
# Hundredths of a second: how long the filters of the output are waited for, once the command has ended; and how long others
# that hold the output are looked at, since what was just forked may be about to become a filter.
rg_filters_get=1000
rg_others_get=20
# How long what runs as another user in the command's process group is waited for: it may filter, and cannot be looked at.
rg_foreign_get=200

rg_stat $$
rg_leader() {
  rg_own_start=${20:-}
  [ "${4:-}" = $$ ] && rg_leads=1
}
rg_leads=
rg_leader $rg_stat
rg_boot_now
rg_setsid=
! command -v setsid >/dev/null 2>&1 || rg_setsid=setsid

rg_refuse() {
  rg_say nostart "$*"
  exit 0
}

rg_taken() {
  rg_say taken
  exit 0
}

# The files cannot be made at home. $1 is `mine` when the journal there is.
rg_unwritable() {
  set +C
  rg_mine=$1
  shift
  [ -z "$rg_place" ] || rg_refuse "$@"
  rg_say unwritable "$rg_mine" "$@"
  exit 0
}

# Whether nothing of the previous attempt is alive, wherever it is. An empty journal at home says nothing of one elsewhere.
rg_previous_gone() {
  rg_fold "$rg_home/$rg_previous.journal"
  rg_begun=$rg_first rg_over=$rg_gone rg_ran=
  [ "$rg_first" != run ] || rg_ran=1
  for rg_dir in $rg_others; do
    rg_is_in "$rg_previous" "$rg_dir" || continue
    rg_fold "$rg_dir/$rg_previous.journal"
    [ -n "$rg_gone" ] || return 1
    [ "$rg_first" != run ] || rg_ran=1
    [ -n "$rg_begun" ] || rg_over=1
  done
  # One that never ran its command did not look whether those before it are gone, as one that ran has.
  [ -n "$rg_over" ] && [ -n "$rg_ran" ]
}

# Begun in two places at once: neither relies on being the first.
rg_back_off() {
  rg_put nostart elsewhere - -
  rg_taken
}

rg_make_journal() {
  set -C
  true >"$rg_journal"
}

# Runs a program, its output going to descriptor 3.
rg_run() {
  (
    [ -z "$rg_alone" ] || rg_tell_session
    rg_env
    exec $rg_alone "$@"
  ) </dev/null >&3 2>&3 3>&- 5<&-
  rg_status=$?
}

# Runs a script by the program that its first line names.
rg_interpret() {
  case $1 in
    /*) [ -x "$1" ] && [ ! -d "$1" ] ;;
    *) command -v -- "$1" >/dev/null 2>&1 ;;
  esac || {
    printf 'The interpreter %s, which the first line of the script names, is not on this node.\n' "$1" >&3
    rg_status=127
    return
  }
  rg_run "$@"
}

# In a subshell, whose process id is no variable.
rg_tell_session() {
  set -- /proc/self/task/*
  set -- "${1##*/}"
  case $1 in
    *[!0-9]*) ;;
    *)
      # Reading it, a byte at a time, costs more than all else here; it is wanted where the leader's environment may not be
      # readable. Unknown, it leaves a session in doubt, and never lets one pass for ended.
      rg_stat=
      [ -z "$rg_wide$rg_foreign" ] || rg_stat "$1"
      set -- "$1" $rg_stat
      rg_put session "$1" "${21:--}" -
      ;;
  esac
}

# Waits, when the command has ended, for what it made to filter its output: `exec > >(tee -a log)`, `sort | tee &`. Costs
# nothing but builtins when nobody is left of the command's process group.
rg_await_filters() {
  rg_holders=
  if [ -n "$rg_alone" ] && [ -z "$rg_wide" ]; then
    rg_fold_more <&5
    [ -z "$rg_sid" ] || kill -0 "-$rg_sid" || {
      [ -z "$rg_foreign" ] || rg_await_foreign
      return 0
    }
  fi
  rg_now
  rg_began=$rg_time
  while :; do
    rg_find_holders
    [ -n "$rg_holders" ] || return 0
    rg_now
    if [ $((rg_time - rg_began)) -ge $rg_filters_get ]; then
      [ -z "$rg_filters" ] || rg_mark_filters
      return 0
    fi
    [ -n "$rg_filters" ] || [ $((rg_time - rg_began)) -lt $rg_others_get ] || return 0
    sleep 0.1 || sleep 1
  done
}

rg_await_foreign() {
  rg_now
  rg_began=$rg_time
  while rg_is_foreign; do
    rg_now
    [ $((rg_time - rg_began)) -lt $rg_foreign_get ] || return 0
    sleep 0.1 || sleep 1
  done
}

# Whether there is somebody in the command's process group to whom no signal may be sent.
rg_is_foreign() {
  rg_w=$(
    LC_ALL=C
    kill -0 "-$rg_sid" 2>&1
  ) && return 1
  case $rg_w in
    *'No such process'*) return 1 ;;
  esac
}

# Says in the output what was left open.
rg_mark_filters() {
  rg_w=
  for rg_p in $rg_filters; do
    rg_name=
    read -r rg_name <"/proc/$rg_p/comm"
    rg_w="$rg_w${rg_w:+, }${rg_name:-a program} (process $rg_p)"
  done
  printf '\n[rigel: %s s after the command had ended its output was still open for %s, which runs on: what it writes later is left out]\n' \
    $((rg_filters_get / 100)) "$rg_w" >&3
}

# Sets rg_size to the size of the output file, and rg_text to its content when it is small and the shell can hold it;
# rg_exact is set then. Descriptor 3 is closed.
rg_take_output() {
  rg_size= rg_text= rg_exact=
  # Where descriptor 3 stands is the size, unless the command opened the file by its name.
  { read -r rg_w rg_size </proc/$$/fdinfo/3; } 2>/dev/null
  exec 3>&-
  if [ "$rg_size" = 0 ] && [ ! -s "$rg_file.output" ]; then
    rg_exact=1
    return
  fi
  case $rg_size in
    '' | 0 | *[!0-9]*) rg_size= ;;
    *)
      rg_hint=$rg_size rg_size=
      # Lengths are to be in bytes.
      rg_locale=${LC_ALL-} rg_had_locale=${LC_ALL+x}
      LC_ALL=C
      [ "$rg_hint" -gt $rg_small ] || rg_read_output 4<"$rg_file.output"
      if [ -n "$rg_had_locale" ]; then LC_ALL=$rg_locale; else unset LC_ALL; fi
      ;;
  esac
  [ -n "$rg_size" ] || rg_measure
}

# The same with builtins, from descriptor 4; leaves rg_size empty when the output is too long after all.
rg_read_output() {
  while IFS= read -r rg_line; do
    rg_text=$rg_text$rg_line$rg_newline
    [ ${#rg_text} -le $rg_small ] || return
  done <&4
  rg_text=$rg_text$rg_line
  { read -r rg_w rg_size </proc/$$/fdinfo/4; } 2>/dev/null
  # A shell drops NUL.
  [ ${#rg_text} != "$rg_size" ] || rg_exact=1
}

rg_say_then() {
  printf '%s\n%s %s\n' "$1" "$rg_nonce" "$rg_then"
}

rg_attempt() {
  [ -n "${HOME:-}" ] || rg_refuse 'HOME is not set for this user'
  cd "$HOME" 2>/dev/null || rg_refuse "the home directory $HOME cannot be entered"
  [ -n "$rg_leads" ] || {
    rg_say leader
    exit 0
  }
  if [ -n "$rg_previous" ]; then
    rg_previous_gone || {
      rg_say previous
      exit 0
    }
  fi

  rg_use_base "${rg_place:-$rg_home}"
  rg_shown=${rg_place:-'~/.rigel/attempts'}
  if [ -z "$rg_place" ]; then
    ! rg_elsewhere || rg_taken
  else
    [ "$rg_place_boot" = "$rg_boot_id" ] || rg_refuse "the node was restarted before the command could be begun in $rg_place"
    rg_is_ours "$rg_place" || rg_refuse "$rg_place is not there any more, or not this user's alone"
  fi

  # A journal that was there and is gone is no reason to run again.
  if [ -e "$rg_file.output" ] && [ ! -e "$rg_journal" ]; then
    rg_put unknown damaged - 0
    rg_taken
  fi

  # From here on it may do something. Should this shell give up by itself (it cannot fork, say), its status tells;
  # being killed tells as well.
  trap 'exit 99' EXIT
  # A shell reports a child's death by a signal on standard error, and would die of it once the connection is gone.
  exec 2>/dev/null
  # An action may signal its process group, which may also be ours (`trap 'kill 0' EXIT` is a habit). Caught, not
  # ignored: what is ignored stays so in the actions.
  trap : HUP INT QUIT PIPE ALRM TERM USR1 USR2
  if ! { rg_make_journal; } 2>/dev/null; then
    [ ! -e "$rg_journal" ] || rg_taken
    rg_make_base || rg_unwritable - "$rg_shown cannot be made: ${rg_message##*: }"
    rg_message=$(LC_ALL=C && rg_make_journal 2>&1) || {
      [ ! -e "$rg_journal" ] || rg_taken
      rg_unwritable - "$rg_shown/$rg_key.journal cannot be made: ${rg_message##*: }"
    }
  fi
  set +C

  rg_put run "$rg_boot_id" $$ "$rg_own_start" || rg_unwritable mine "$rg_shown/$rg_key.journal cannot be written (is the disk full?)"
  # A command that takes the node down at once leaves nobody the time to write this to the disk.
  [ -z "$rg_sync" ] || sync
  # Descriptor 5 stays where the journal has been read to.
  exec 5<"$rg_journal"
  rg_fold_nothing
  rg_fold_more <&5
  [ -n "$rg_first" ] || rg_unwritable mine "$rg_shown/$rg_key.journal cannot be written (is the disk full?)"
  [ "$rg_first" = run ] && [ -z "$rg_end$rg_stop" ] || rg_taken
  # After the claim, never before it: see places.sh.
  ! rg_elsewhere || rg_back_off
  if [ -n "$rg_place" ]; then
    [ -n "$rg_mine" ] || [ ! -e "$rg_home/$rg_key.journal" ] || rg_back_off
    rg_fold "$rg_home/$rg_key.journal"
    [ -z "$rg_wished" ] || rg_back_off
    exec 5<"$rg_journal"
    rg_fold_nothing
  fi

  rg_what=output
  { true >"$rg_file.output" && rg_write_actions; } 2>/dev/null || {
    rg_put nostart "$rg_what" - -
    rm -f "$rg_file".action-*
    rg_unwritable mine "$rg_shown/$rg_key.$rg_what cannot be written (is the disk full?)"
  }
  # Without a session apart, the command is in this shell's, which then cannot serve another attempt.
  rg_alone=${rg_own:+$rg_setsid}
  exec 3>>"$rg_file.output"
  rg_run_actions
  rg_await_filters
  rg_take_output
  # A write that finds too little room fills the last block.
  [ $((rg_size % 1024)) != 0 ] || ! rg_no_room || rg_put full - - -
  [ $rg_size -le $((rg_head + rg_tail)) ] || rg_put limit "$rg_head" "$rg_tail" -

  until rg_put exit "$rg_status" "$rg_action" "$rg_size"; do
    # Someone removed the folder: there is nowhere to record the outcome any more.
    [ -d "$rg_base" ] || rg_taken
    sleep 1
  done
  rg_fold_more <&5
  exec 5<&-
  rg_use_limit $rg_limit
  [ "$rg_end" = exit ] || {
    rg_guarded || rg_trim "$rg_size"
    rg_taken
  }
  [ -z "$rg_holders" ] || rg_start_guard

  # What actions left behind in this session would be in the way of another attempt.
  rg_then=.
  [ -z "$rg_alone" ] || rg_then=next
  # The message is one write, and so one packet.
  rg_told="$rg_newline$rg_nonce end exit $rg_status $rg_action $rg_size$rg_newline"
  [ -z "$rg_limit$rg_lost" ] || rg_say_kept
  if [ $rg_size = 0 ]; then
    rg_say_then "$rg_told"
  elif [ -n "$rg_exact" ] && [ $rg_size -le $((rg_head + rg_tail)) ]; then
    rg_say_then "$rg_told$rg_newline$rg_nonce out 0$rg_newline$rg_text"
  else
    printf %s "$rg_told"
    rg_send_rest 0 "$rg_size"
    # Where there is a guard, somebody may be reading.
    rg_guarded || rg_trim "$rg_size"
    rg_say_then ''
  fi
  rg_text= rg_told=
  [ -n "$rg_alone" ] || exit 0
  # The next one begins at home again.
  rg_place= rg_place_boot= rg_mine=
  trap - EXIT
}
