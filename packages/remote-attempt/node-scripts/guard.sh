# Keeps the output file of an attempt small, for those who start and who follow one: its beginning and its end stay, the
# middle is given back to the disk. See common.sh for `limit`.
#
# Offsets never change: the middle becomes a hole (`fallocate --punch-hole`, Linux 2.6.38 and later on ext4, xfs, btrfs,
# tmpfs), which is no race with those who append or read. Where the node or the file system cannot do that, the file is
# copied with a hole after the end, when nobody writes to it any more.

# Who still writes to the output: rg_holders is set when there is anybody, and rg_filters to the processes among them whose
# standard input is a pipe, or a socket as ksh93 makes them for pipes. That of the command itself is none, so somebody of the
# attempt made it.
rg_find_holders() {
  rg_holders= rg_filters=
  for rg_w in /proc/[0-9]*; do
    if [ "$rg_w/fd/1" -ef "$rg_file.output" ] || [ "$rg_w/fd/2" -ef "$rg_file.output" ]; then
      rg_holders=1
      if [ -p "$rg_w/fd/0" ] || [ -S "$rg_w/fd/0" ]; then rg_filters="$rg_filters ${rg_w#/proc/}"; fi
    fi
  done
}

# Whether the disk takes no byte any more. The file is there for this alone, and empty.
rg_no_room() {
  ! { printf x >>"$rg_base/probe"; } 2>/dev/null || {
    true >"$rg_base/probe"
    return 1
  } 2>/dev/null
}

# Frees the whole blocks between the bytes $1 and $2.
rg_punch() {
  rg_hole=$((($1 + 4095) / 4096 * 4096)) rg_hole_end=$(($2 / 4096 * 4096))
  [ $rg_hole_end -gt $rg_hole ] || return 0
  fallocate --punch-hole --offset $rg_hole --length $((rg_hole_end - rg_hole)) "$rg_file.output" >/dev/null 2>&1
}

# Frees the middle of an output that ended with $1 bytes.
rg_trim() {
  [ "$1" -gt $((rg_head + rg_tail)) ] || return 0
  rg_punch "$rg_head" $(($1 - rg_tail)) || rg_copy_kept
}

# The same without holes that are punched: what is written later to a file that was replaced would be out of reach.
rg_copy_kept() {
  rg_find_holders
  [ -z "$rg_holders" ] || return 0
  rg_copy=$rg_file.output.kept-$$
  {
    dd if="$rg_file.output" of="$rg_copy" bs=4096 count=$((rg_hole / 4096)) &&
      dd if="$rg_file.output" of="$rg_copy" bs=4096 skip=$((rg_hole_end / 4096)) seek=$((rg_hole_end / 4096)) conv=notrunc &&
      mv -f "$rg_copy" "$rg_file.output"
  } >/dev/null 2>&1 || rm -f "$rg_copy"
}

# Whether there is a guard.
rg_guarded() {
  { read -r rg_w rg_1 <"$rg_file.guard"; } 2>/dev/null || return 1
  rg_stat "$rg_w"
  set -- $rg_stat
  [ "${20:--}" = "$rg_1" ]
}

# Starts rg_guard, unless it is there, in a process that outlives this one.
rg_start_guard() {
  rg_guarded || (rg_guard &) </dev/null >/dev/null 2>&1 3>&-
}

# Keeps the file small while the command runs, and then as long as something that it left behind goes on writing. It holds
# nothing of the connection, and stopping the attempt does not reach it. It frees only what was old at the look before, a
# fifth of a second ago or more: a follower may just be reading what it found at the end of the file.
rg_guard() {
  trap '' HUP
  rg_tell_guard
  rg_size_before=0 rg_punched=0 rg_round=0 rg_pause=1 rg_over=
  while :; do
    sleep $rg_pause || sleep 1
    rg_fold "$rg_journal"
    [ -f "$rg_file.output" ] || break
    rg_use_limit $rg_limit
    if [ -n "$rg_end" ] || ! rg_alive; then
      rg_pause=1
      [ -n "$rg_over" ] || {
        rg_over=1
        continue
      }
      rg_measure
      rg_trim "${rg_c:-$rg_size}"
      rg_find_holders
      [ -n "$rg_holders" ] || break
      # What comes now is passed on to nobody.
      [ -z "$rg_end" ] || rg_punch "$rg_c" "$rg_size" || break
      rg_pause=10
      continue
    fi
    rg_round=$((rg_round + 1)) rg_size=
    # Where the runner's descriptor stands, unless the command opened the file by its name.
    [ $((rg_round % 10)) = 0 ] || { read -r rg_w rg_size <"/proc/$rg_pid/fdinfo/3"; } 2>/dev/null
    case $rg_size in
      '' | *[!0-9]*) rg_measure ;;
    esac
    if [ $((rg_size - rg_size_before)) -gt $((rg_head + rg_tail)) ]; then rg_pause=0.2; else rg_pause=1; fi
    if [ $((rg_size_before - rg_punched)) -gt $(((rg_head + rg_tail) * 2)) ]; then
      # Room that is made now would hide that there was none.
      [ -n "$rg_lost" ] || ! rg_no_room || rg_put full - - -
      # Where holes are not to be had, the file is made small at the end.
      rg_punch "$rg_head" $((rg_size_before - rg_tail))
      rg_punched=$((rg_size_before - rg_head - rg_tail))
    fi
    rg_size_before=$rg_size
  done
  rm -f "$rg_file.guard"
}

# In a subshell, whose process id is no variable.
rg_tell_guard() {
  set -- /proc/self/task/*
  rg_stat self
  set -- "${1##*/}" $rg_stat
  printf '%s %s\n' "$1" "${21}" >"$rg_file.guard"
}
