# Removes the files of attempts that ended long ago. See common.sh.
#
# Set before: rg_days, rg_others (see places.sh).
#
# Says
#   pruned <number of attempts>

exec </dev/null

rg_count=0
rg_boot_now

# From the folder $1, what ended at least $2 days ago.
rg_prune() {
  cd "$1" 2>/dev/null || return 0
  # The journal's age is the age of the attempt's end.
  for rg_path in $(find . -type f -name '*.journal' -mtime +$(($2 - 1))); do
    rg_fold "$rg_path"
    # What a stop could not end is looked for again.
    if [ -n "$rg_stop" ] && [ -z "$rg_gone" ] && [ "$rg_boot" = "$rg_boot_id" ]; then continue; fi
    if [ "$rg_first" = run ] && [ -z "$rg_end" ] && rg_alive; then continue; fi
    # The journal last: as long as there is anything, it says that the attempt has been.
    rg_name=${rg_path%.journal}
    rm -f "$rg_name.output" "$rg_name.output".kept-* "$rg_name.guard" "$rg_name.probe" "$rg_name".action-* "$rg_name".private-* && rm -f "$rg_path" && rg_count=$((rg_count + 1))
  done
}

[ -z "${HOME:-}" ] || rg_prune "$rg_base" "$rg_days"
# Memory is not to be filled, and one that is not there any more is not begun again.
for rg_dir in $rg_others; do
  [ ! -d "$rg_dir" ] || ! rg_is_ours "$rg_dir" || rg_prune "$rg_dir" 1
done
rg_say pruned $rg_count
exit 0
