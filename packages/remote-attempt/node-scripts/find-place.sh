# Finds the first place that takes the files of an attempt which the home folder does not. See places.sh.
#
# Set before: rg_others.
#
# Says one of
#   place <boot id> <folder>
#   none <why>

exec </dev/null

rg_boot_now
rg_why=
[ "$rg_boot_id" != - ] || rg_others= rg_why='; /proc has no boot id'
for rg_dir in $rg_others; do
  if rg_can_use "$rg_dir"; then
    rg_say place "$rg_boot_id" "$rg_dir"
    exit 0
  fi
  rg_why="$rg_why; $rg_message"
done
rg_say none "${rg_why#; }"
exit 0
