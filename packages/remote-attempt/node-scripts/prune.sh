# Removes the files of attempts that ended long ago. See common.sh.
#
# Set before: rg_days.
#
# Says
#   pruned <number of attempts>

exec </dev/null

rg_count=0
rg_boot_now
if [ -n "${HOME:-}" ] && cd "$rg_base" 2>/dev/null; then
  # The journal's age is the age of the attempt's end.
  for rg_path in $(find . -type f -name '*.journal' -mtime +$((rg_days - 1))); do
    rg_fold "$rg_path"
    # What a stop could not end is looked for again.
    if [ -n "$rg_stop" ] && [ -z "$rg_gone" ] && [ "$rg_boot" = "$rg_boot_id" ]; then continue; fi
    if [ "$rg_first" = run ] && [ -z "$rg_end" ] && rg_alive; then continue; fi
    # The journal last: as long as there is anything, it says that the attempt has been.
    rg_name=${rg_path%.journal}
    rm -f "$rg_name.output" "$rg_name.output".kept-* "$rg_name.guard" "$rg_name".action-* "$rg_name".private-* && rm -f "$rg_path" && rg_count=$((rg_count + 1))
  done
fi
rg_say pruned $rg_count
exit 0
