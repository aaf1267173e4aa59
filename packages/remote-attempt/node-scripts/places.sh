# Where an attempt is when the home folder of its node cannot take it: the disk is full, a quota is used up, the file
# system is read-only. Stands after common.sh in every script.
#
# Set before: rg_others, the folders beside ~/.rigel/attempts in which attempts may be, words without blanks. Each is
# <root>/rigel-<user>; the root is one that the operator names, or /dev/shm, the node's memory.
#
# WHY IT RUNS ONCE ALL THE SAME. Making the journal proves who came first only as long as everybody makes it in the same
# place, and that there is none proves only where nothing is ever lost that nobody began. So:
#
#   1. A starter begins at home, or, when it is told a place (rg_place), there, and nowhere else. One that cannot write at
#      home does nothing, and says so (`unwritable`). Whoever sent it looks for a place (find-place.sh), and has that recorded,
#      durably, with the boot id, before a starter is sent there.
#   2. A place is recorded for an attempt once, and only by the one executor that was ever told to begin it; the scheduler
#      refuses it to all others. So no other executor can come back later, after a restart of the node that has emptied its
#      memory, and begin it at home, where there is no trace of it.
#   3. After the record exactly one starter is sent, by whoever made the record. Everybody else, and the same executor after a
#      lost connection, only looks for it there (follow.sh with rg_place). Not found means unknown, whatever the boot id
#      is: the memory is gone with a restart, and may be emptied without one (systemd's RemoveIPC).
#   4. What remains are starters of that one executor which are late on the node: their connection is gone, they are not.
#      They live in this boot, so files in memory are as good as on a disk. Each first claims in its own place and then
#      looks into the others, so of a late one at home and one at the place at least one sees the other's journal and does
#      not run (`nostart elsewhere`). When both do, nothing runs; the outcome is unknown, and whoever hears of it has the
#      attempt stopped. A starter that said `unwritable` after it had made the journal at home has thereby shut out all others
#      there (rg_mine), and its journal is not in the way of the one at the place.
#   5. A stop that cannot be written at home is written in the first place that can be used, and then looks at home again,
#      for the same reason as in 4.
#
# THE CRASH POINTS beside those of common.sh:
#   unwritable .. recorded  nothing has begun. The next executor is told that it may have been, finds no trace and no room:
#                           unknown. (It would be told a place only for a new attempt.)
#   recorded .. begun       not there, by 3: unknown. It has not run, but nobody can know.
#   the node restarts       not there: unknown. A starter that is sent afterwards compares the boot id and does nothing.
#   the database restored to before the record: a starter looks into every place before it begins, and an empty journal
#                           at home, where one could be made, says that somebody was there.
#
# WHOM TO BELIEVE. Everybody on the node can make files in /dev/shm. So what is found in a place counts only when the
# folder is ours and nobody else can write into it or replace it. An attempt at home costs a look for two files.

rg_home=$rg_base

rg_use_base() {
  rg_base=$1 rg_file=$1/$rg_key rg_journal=$1/$rg_key.journal
}

# Whether a folder is this user's alone. One look decides (find does not follow it when it is a link), and what is ours
# nobody else can replace: others cannot write into its parent, or may remove there only what is theirs.
rg_is_ours() {
  rg_uid=
  while read -r rg_w rg_1 rg_uid rg_2; do
    [ "$rg_w" != Uid: ] || break
  done 2>/dev/null </proc/$$/status
  [ -n "$(find "${1%/*}/." -prune -type d '(' -perm -1000 -o ! -perm -0002 ! -perm -0020 ')' 2>/dev/null)" ] &&
    [ -n "$(find "$1" -prune -type d -user "$rg_uid" ! -perm -0002 ! -perm -0020 2>/dev/null)" ]
}

# Whether the attempt $1 is in the folder $2, and that can be believed.
rg_is_in() {
  [ -e "$2/$1.journal" ] && rg_is_ours "$2"
}

# Whether the attempt is in a place beside the one that it is to begin in.
rg_elsewhere() {
  for rg_dir in $rg_others; do
    [ "$rg_dir" = "$rg_base" ] || ! rg_is_in "$rg_key" "$rg_dir" || return 0
  done
  return 1
}

# Goes to where the attempt is; home, when it is nowhere or was begun there.
rg_locate() {
  rg_elsewhere || return 0
  rg_fold "$rg_journal"
  [ "$rg_first" = run ] && [ "$rg_end" != nostart ] || rg_use_base "$rg_dir"
}
