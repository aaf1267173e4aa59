# Tells under which boot of the node an attempt was begun, and which it is now. See common.sh.
#
# Says
#   boots <boot id of the attempt's runner> <boot id now>    `-`: there is none

exec </dev/null

rg_fold "$rg_journal"
rg_boot_now
rg_say boots "${rg_boot:--}" "$rg_boot_id"
exit 0
