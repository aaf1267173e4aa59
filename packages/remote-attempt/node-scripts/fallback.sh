# Makes use of places beside the home folder; stands after places.sh in the scripts that need it.

# Makes a place where it is missing, and finds out whether it takes files. On failure rg_message says why.
rg_can_use() {
  [ -d "${1%/*}" ] || {
    rg_message="there is no folder ${1%/*}"
    return 1
  }
  rg_message=$(
    umask 077
    export LC_ALL=C
    exec mkdir "$1" 2>&1
  )
  rg_is_ours "$1" || {
    [ ! -e "$1" ] && [ ! -h "$1" ] || rg_message="$1 is not a folder that belongs to this user alone"
    return 1
  }
  if { printf '%s\n' 'whether there is room for a file' >"$1/$rg_key.probe"; } 2>/dev/null; then
    rm -f "$1/$rg_key.probe"
    return 0
  fi
  rg_message="$1 cannot be written either"
  rm -f "$1/$rg_key.probe"
  return 1
}

# Writes a stop, for an attempt that has not begun at home, where home cannot take it.
rg_stop_elsewhere() {
  case $rg_base:$rg_first$rg_end in
    "$rg_home:" | "$rg_home:runnostart") ;;
    *) return 1 ;;
  esac
  for rg_dir in $rg_others; do
    rg_can_use "$rg_dir" || continue
    rg_use_base "$rg_dir"
    rg_put "${rg_stop_line:-stop $rg_grace - -}" || continue
    rg_fold "$rg_home/$rg_key.journal"
    [ "$rg_first" = run ] && [ "$rg_end" != nostart ] || return 0
    # It has begun at home after all, where there is room then.
    rg_use_base "$rg_home"
    rg_put "${rg_stop_line:-stop $rg_grace - -}"
    return
  done
  rg_use_base "$rg_home"
  return 1
}
