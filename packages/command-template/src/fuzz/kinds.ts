// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shell text
import fc from 'fast-check';
import { CODE_VARIABLES, INTEGER_VARIABLES } from '../evaluating.js';
import { shellTemplate } from '../testing/templates.js';

/*
 * Templates in which a shell, or a program that it starts, may evaluate what it is given: by kinds of places, each far
 * wider than what is known to be refused. What they do to their surroundings must be harmless: no removal, no signal,
 * no search from /.
 */

type Text = fc.Arbitrary<string>;

/** One of the words of a text. */
const words = (text: string): Text => fc.constantFrom(...text.trim().split(/\s+/));
/** One of the lines of a text, without its indentation; `⏎` is a line break. */
const lines = (text: string): Text =>
  fc.constantFrom(
    ...text
      .split('\n')
      .map((line) => line.trimStart().replaceAll('⏎', '\n'))
      .filter((line) => line !== ''),
  );
const join = (...parts: (Text | string)[]): Text =>
  fc
    .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
    .map((texts) => texts.join(''));
const several = (part: Text, minLength: number, maxLength: number, between = ' '): Text =>
  fc.array(part, { minLength, maxLength }).map((texts) => texts.join(between));
const often = (text: string, rare: Text): Text =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(text) }, { weight: 2, arbitrary: rare });

/** A parameter as a word, alone or in other text. */
const value =
  words(`{{p}} "{{p}}" '{{p}}' {{p}} "{{p}}" a={{p}} "a=({{p}})" x{{p}} "$y"{{p}} a[{{p}}] "$(echo {{p}})" -{{p}} -v{{p}}
  a[1]={{p}} "a[{{p}}]=1" {{p}}=1 a+={{p}} {a,{{p}}} ~{{p}} 1+{{p}}`);
const other = words(
  `x -v -a -A -i -n -p -u -t -C -W -c -S -o -- - -x -E -f -e -r -d -s -l -q -T -g SECONDS %d %s %b +i "$x" $x 1 -1 0 a a=1
  -nt -eq -ot = -lt ] ]] -gt -ge ! -ef -z -L2 -vx -an -ia -tp \\; {} +`,
);
const operand = fc.oneof({ weight: 2, arbitrary: value }, { weight: 3, arbitrary: other });

/** The shells' own commands, and programs that run others or text. */
const command =
  words(`eval declare typeset local export readonly integer float nameref printf print read unset let test [ [[ exit return
  shift ulimit umask set trap alias unalias compgen complete bind fc hash getopts mapfile readarray wait jobs cd pwd echo type whence
  command builtin exec times true : enable help caller dirs pushd popd shopt array sh env xargs time nice break continue disown
  history setopt vared zparseopts emulate functions autoload zmodload . source cat bc hist sched zle zstyle unsetopt
  limit unlimit noglob rehash which where getconf bash busybox mksh ksh93 zsh yash find flock setsid stdbuf timeout expr
  unfunction printenv tee seq compdef comparguments cat chroot zformat zregexparse compopt bindkey rename global`);

/** What may stand in front of a command's name. */
const front = lines(
  `command \n command -p \n command -- \n command -p -- \n command -v \n builtin \n builtin -- \n exec \n exec -a n \n exec -- \n exec -c 
   2>&1 \n </dev/null \n >/dev/null \n 3<&0 \n >&2 \n <<<x \n {fd}>&1 \n 1>&- \n x=1 \n x={{p}} \n IFS=: \n a[1]=2 \n env \n env -i \n env -- 
   ! \n time \n time -p \n \\⏎ \n noglob \n nocorrect \n - \n nice \n nice -n 5 \n "" \n $empty \n { \n ( \n if \n while \n until \n then \n : | 
   : && \n : || \n & \n ; \n : & \n nohup \n setsid \n timeout 2 \n stdbuf -o0 \n busybox \n xargs \n \\ \n function f { \n f() \n coproc 
   case x in x) \n for i in 1; do \n select i in 1; do `,
);
const evaluating = lines(
  `eval\ntrap\nalias\nlet\n.\nsource\nsh -c\nbash -c\nmksh -c\nzsh -c\nyash -c\nksh93 -c\nbusybox sh -c\nrbash -c\nrksh -c
   "eval"\n'eval'\ne"va"l\n\\eval\nev\\al\n$'eval'\n{eval,}\n$(echo eval)\n\`echo eval\`\n$e\n\${e}\n\${x:-eval}\n"$e"\ne\${x}val\nev?l
   declare -i x\ntypeset -i x;x=\nfc -s\nexit\nreturn\ntest -v\n[ -v\n[[ -v\nunset\nread\nset -A\nprintf -v\nprintf %d\ncompgen -W\ncompgen -C
   mapfile -C\nenv -S\nflock x -c\nscript -qc\nsh -s\nbash -O\nbash -o\nsh -\nsh\nbash --rcfile\nbash --init-file\nbash +o\nemulate sh -c`,
);
const behind = lines(
  `; :\n EXIT\n 2>&1\n </dev/null\n | cat\n | sh\n &\n >&2\n <<<{{p}}\n <<EOF⏎{{p}}⏎EOF⏎\n | read SECONDS\n || :\n ; }\n )\n ; fi\n ; done\n ;; esac
   ⏎n {{p}}\n; n {{p}}\n; set -x; :\n; echo "$a"\n; typeset -i a\n; [ "$a" ]\n; : $a\n; }; f\n; a=1\n 3<&0 | xargs\n |& sh\n | tee out | sh\n | while read l; do :; done`,
);
const earlier = lines(
  `declare -i a; \ntypeset -i a; \ninteger a; \nset -x; \nset -o xtrace; \nset -k; \nset -o keyword; \nalias n=eval⏎\na=1; \ndeclare -a a; \nx=a; 
   declare -n a=RANDOM; \nnameref a=SECONDS; \nshopt -s expand_aliases⏎alias n=eval⏎\nset -o posix; \nset -u; \ne=eval; \nempty=; \nset -- a b; 
   declare -A a; \nset -a; \nlocal a; \nunset a; \nexport a; \ntypeset -A a; \nset -o emacs; \nset -f; \nunset -f n; \nf() { :; }; `,
);

const codeVariable = fc.constantFrom(
  ...CODE_VARIABLES,
  'ENV',
  'HISTFILE',
  'IFS',
  'VISUAL',
  'MAIL',
  'MAILPATH',
  'PS4',
);
const integerVariable = fc.constantFrom(
  ...INTEGER_VARIABLES,
  'MAILCHECK',
  'status',
  'a',
  'RANDOM',
  'SECONDS',
);
const assigning = lines(
  ` \nexport \nreadonly \nlocal \ndeclare \ntypeset \ndeclare -g \ntypeset -g \ndeclare -x \nenv \nset -k; : \nx=1 \n: \${x:=1}; \ndeclare -- 
   command export \nbuiltin declare \ncommand -- typeset \ncommand \nexec \n2>&1 \nif : ; then \nf() { local \nexport -- \ndeclare +i \nexport -n `,
);

const simple: Text = join(
  often('', earlier),
  often('', front),
  command,
  ' ',
  several(operand, 1, 4),
  often('', behind),
);

const inFront: Text = join(
  often('', earlier),
  several(front, 1, 3, ''),
  evaluating,
  ' ',
  several(operand, 1, 2),
  often('', behind),
);

const aliases: Text = join(
  often('', earlier),
  lines(
    `alias \nalias -- \nalias -g \nalias -s \nalias -t \ncommand alias \nbuiltin alias \nalias -p \n2>&1 alias `,
  ),
  lines(`n={{p}}\nn="{{p}}"\nn='{{p}} '\nn=eval\nn='eval '\n"n=$x"\nn=sh\nn='sh -c'\nn=:\nn='echo '\nn=command\n{{p}}=eval\necho=eval\nls='ls -l'
    :=eval\nn='typeset -i'\nn=.\nn='printf -v'\nn=x\nn="e"val\nn='2>&1 eval'\nn='x=1 eval'\nn=printf\nn=exit\nn=[`),
  lines(`⏎\n; \n && \n⏎:⏎\n⏎unalias n⏎\n⏎alias m=n⏎`),
  lines(
    `n {{p}}\nn x\nn EXIT {{p}}\nm {{p}}\necho {{p}}\n: {{p}}\nls {{p}}\neval n\nn\nx n {{p}}\nn -v{{p}}\nn; echo {{p}}`,
  ),
);

const codeVariables: Text = join(
  often('', earlier),
  assigning,
  codeVariable,
  lines(`={{p}}\n="{{p}}"\n+={{p}}\n='{{p}}'\n="$x{{p}}"\n=({{p}})\n[0]={{p}}\n=x"$(echo {{p}})"`),
  lines(`; set -x; :\n bash -c :\n sh -c :\n⏎set -x⏎:\n; bash -i -c :\n; sh -c 'set -x; :'\n; select i in a; do break; done\n; eval :\n; : "$PS4"
    ; }; set -x; f\n; }; f; set -x; :\n; exec bash -c :\n; mksh -c :\n; ksh93 -c :\n; zsh -c :\n zsh -xc :\n ksh93 -ic :`),
);

const integers: Text = join(
  often('', earlier),
  fc.oneof(
    join(
      assigning,
      integerVariable,
      lines(`={{p}}\n="{{p}}"\n+={{p}}\n=a{{p}}\n=({{p}})\n[1]={{p}}\n="$(echo {{p}})"\n='{{p}}'`),
    ),
    join(
      lines(
        `read \nread -r \nfor \nprintf -v \nmapfile \nread -a \nread -A \nselect \ngetopts x \nread -r y `,
      ),
      integerVariable,
      lines(
        ` <<EOF⏎{{p}}⏎EOF⏎\n <<<{{p}}\n in {{p}}; do :; done\n %s {{p}}\n {{p}}\n < <(echo {{p}})\n '%d' {{p}}`,
      ),
    ),
    join(
      lines(`echo {{p}} | \nprintf %s {{p}} | \ncat <<EOF | \nprint -r {{p}} | `),
      lines(`read \nread -r \nread x `),
      integerVariable,
      lines(`\n⏎{{p}}⏎EOF⏎`),
    ),
  ),
  often('', behind),
);

const declares: Text = join(
  often('', earlier),
  often('', front),
  words('declare typeset local integer float nameref export readonly'),
  ' ',
  several(
    words(
      '-i -a -A -n -x -r -g -E -F -L5 -R5 -Z3 -u -l -p -f -T -m -b -H -U -t -ai -ia -in -ir +i +a -- -I -C -h -X -M',
    ),
    0,
    2,
  ),
  ' ',
  several(
    words(
      'a={{p}} b={{p}} a=({{p}}) "a=({{p}})" a[{{p}}]=1 a[1]={{p}} a "b" $x "$x" {{p}} {{p}}=1 x=a r=a r=SECONDS a+={{p}} -{{p}} "a={{p}}" "$x"={{p}}',
    ),
    1,
    3,
  ),
  lines(` \n; a={{p}}\n; b="{{p}}"\n; r={{p}}\n; a+={{p}}\n; a=({{p}})\n; a[0]={{p}}\n; export a={{p}}\n; typeset -i a b\n; declare a={{p}}\n; echo "$a$b"
    ; for a in {{p}}; do :; done\n; read a <<<{{p}}\n; printf -v a %s {{p}}\n; echo "\${a[*]}"\n; echo {{p}} | read a\n; x=1 a={{p}}\n; x=1 a={{p}} :`),
);

const options: Text = join(
  often('', front),
  lines(
    `printf -v\nprintf\nprintf --\nprintf -v x\ncompgen -W\ncompgen -C\ncompgen -A\ncompgen -F\ncompgen\ncomplete -W\nulimit\nulimit -n\nulimit -S -n\nulimit -Sn\nread -u\nread -t
     read -n\nread -N\nread -d\nread -p\nread -p x\nread -i\nread -ru\nread -a\nmapfile\nmapfile -n\nmapfile -C\nmapfile -c 1 -C\nmapfile -s\nmapfile -u\nreadarray\nwait\nwait -n -p\nwait -p
     unset\nunset -v\nunset -f\nunset -n\ngetopts\ngetopts ab:\ntest -v\ntest -t\ntest 1 -eq\ntest x -o 1 -lt\n[ -v\n[ -R\n[ 1 -gt\n[ -t\n[ ! -v\n[ x -a -v\n[[ -v\n[[ -R\n[[ 1 -eq\n[[ ! -v
     print\nprint -f\nprint -u\nprint -v\nprint -rn\nprint -R\nprint -C\nprint -P\necho -e\necho\nset -A a\nset -o\nset --\nshift\nexit\nreturn\nbreak\nlet\nlet a=\numask\numask -S\nkill -l\njobs -x
     hash -p\ntype\ncommand -v\nenable -f\nhelp\nhistory -s\nhistory -p\nshopt -s\npushd\ndirs\ncd\ncaller\ntrap\ntrap --\ntrap - \ntrap -p\nfc -e\nbind\nbind -x\nexec -a\ntimes\ndisown
     integer x=1\ntypeset -f\nwhence -v\ntype -a\nfunctions -M\nsetopt\nemulate -R sh -c\nemulate sh -c\narray -d\narray\nzformat -f x\nvared\nstrftime\nzparseopts\nfloat x=\nunlimit\nlimit`,
  ),
  ' ',
  several(operand, 1, 3),
  lines(` \n ]\n ]]\n x\n EXIT\n </dev/null\n <<<{{p}}\n; echo "$x"\n -o x\n -eq 1 ]\n <<EOF⏎{{p}}⏎EOF⏎`),
);

const reader = lines(
  `sh\nbash\nsh -s\nbash -s x\nsh -\nsh /dev/stdin\n. /dev/stdin\nsource /dev/stdin\n. /proc/self/fd/0\n. /dev/fd/0\ncommand . /dev/stdin\nsh <&0\nsudo -n sh\nenv sh\nenv -i sh\nexec sh\nnice sh
   busybox sh\nbusybox ash\nmksh\nksh93\nzsh\nyash\nrbash\ned x\ned -s x\nred x\nex x\nawk -f -\nawk -f /dev/stdin\nmawk -f- x\nbusybox awk -f -\nsed -f -\nsed -nf - x\nsed --file=- x\nsed -f/dev/stdin x
   make -f -\nmake -sf -\nmake -f - x\nmake --file=-\nmake -f /dev/stdin\nbc\ndc\nm4\nperl\nperl -\nperl -n\npython3\npython3 -\npython3 -i\nxargs sh -c\nxargs -I X sh -c X\nxargs -n1 sh -c\nxargs -0 bash -c\nxargs env -S
   xargs -I {} sh -c 'echo {}'\nxargs -L1 env\nxargs printf %d\nxargs\nxargs -d x\nwhile read l; do :; done\nread RANDOM\nread a\nread PS4\n{ sh; }\n( sh )\n( cat | sh )\n(:; sh)\n{ :⏎sh⏎}
   if :; then sh; fi\nfor i in 1; do sh; done\ncase x in x) sh;; esac\nf\ntee out\ncat\ncat - x\nsort\ngrep x\ntr a b\nsetsid sh\ntimeout 2 sh\nflock x sh\nchroot / sh\nstdbuf -o0 sh\nunshare sh\nunshare\nunshare -r\nchroot /\nlinux32\nsetarch x86_64\ncapsh --\nsudo -n -s\nnode -i\nbash --norc\nbash -i\nbash -x\nbash --posix
   bash -o posix\nbash -O extglob\nbash +x\nsh -e\nsh -eu\nsh -x /dev/stdin\nsh x\nsh -c 'cat'\nsh -c sh\nsh -c 'eval "$(cat)"'\nsh -c '. /dev/stdin'\n$SH\n"$SH"\ngdb\nexpect\ntclsh\nlua\nphp\nsqlite3
   find . -exec sh \\;\nfind . -execdir sh -s {} +\nfind . -ok sh \\;\ndd\nnl\nhead -1\nmapfile\nmapfile a\nreadarray -t a\nmapfile -C eval -c 1 a\ncat /dev/stdin | sh\ncat | sh -s\ntee | bash\nexec 3<&0; sh <&3\nless\nmore\nscript -q out\nnsenter sh
   parallel\ntime sh\n! sh\n: | sh\n/bin/sh\n/usr/bin/env sh\n./sh\nsh;\nsh &\ncoproc sh\nexec\nedit\nnano\npatch\npatch -e x\nenv -S sh`,
);
const inputs: Text = fc.oneof(
  join(
    often('', front),
    reader,
    lines(
      ` <<EOF⏎{{p}}⏎EOF⏎\n <<-EOF⏎\t{{p}}⏎EOF⏎\n <<<{{p}}\n <<< "{{p}}"\n <<<"x{{p}}"\n <<'EOF'⏎{{p}}⏎EOF⏎\n < <(echo {{p}})\n 0<<EOF⏎: ; {{p}}⏎EOF⏎\n 3<<EOF <&3⏎{{p}}⏎EOF⏎`,
    ),
  ),
  join(
    lines(`echo {{p}} | \nprintf %s {{p}} | \nprint -r {{p}} | \necho {{p}} |& \ncat <<EOF | \ncat <<<{{p}} | \ncat <<EOF |⏎{{p}}⏎EOF⏎\necho {{p}} | tee out | \n{ echo {{p}}; } | \n( echo {{p}} ) | 
      f() { echo {{p}}; }; f | \necho {{p}} |⏎\nenv echo {{p}} | \n/bin/echo {{p}} | \nif :; then echo {{p}}; fi | \nprintf '%s\\n' {{p}} | cat | \nyes {{p}} | head -1 | \ncommand echo {{p}} | \n2>&1 echo {{p}} | 
      printenv x | \nsed s/x/y/ <<<{{p}} | \nexpr x{{p}} : 'x\\(.*\\)' | \nbasename {{p}} | \nbuiltin echo {{p}} | `),
    reader,
    lines(` \n⏎\n⏎{{p}}⏎EOF⏎\n 2>&1\n; :\n <x\n <&0\n x y\n -`),
  ),
);

const programs: Text = join(
  often('', front),
  lines(
    `flock x -c\nflock -n x -c\nflock -c\nflock x\nflock x sh -c\nscript -qc\nscript -q -c\nscript -c\nscript -qec\nscript --command\nscript -q --command=\nenv -S\nenv -iS\nenv -S"\nenv --split-string=\nenv -vS\nenv -i sh -c\nenv
     env -u x\nenv -C .\nenv a=1\nxargs\nxargs sh -c\nxargs -I X sh -c\nxargs -a x sh -c\nxargs -a\nxargs -i\nxargs -L 1\nfind . -exec\nfind . -exec sh -c\nfind . -execdir\nfind . -exec env\nfind . -name\nfind . -printf\nfind . -exec sh -c 'echo $0'
     find . -ok\nfind -newermt\nsh -c\nsh -ec\nsh -c :\nsh -c -- \nsh -c 'echo "$1"'\nsh -c 'echo "$1"' sh\nsh -o errexit -c\nsh +e -c\nbash -lc\nbash --norc -c\nbash -O extglob -c\nbash --rcfile\nbash -c "\nbash -c ':'\nmksh -c\nksh93 -c\nzsh -c
     yash -c\nzsh -fc\nbusybox sh -c\nbusybox env sh -c\nsudo -n sh -c\nsu -c\nsu x -c\nsu - -c\nsu --command\nsu -s /bin/sh -c\nrunuser -c\nrunuser -u x --\nrunuser x -c\nsg x -c\nnice sh -c\nnice -n 5\nnohup sh -c\ntimeout 2\ntimeout 2 sh -c\nsetsid -w
     setsid -w sh -c\nstdbuf -o0 sh -c\nchroot / sh -c\nsetpriv\nsetpriv sh -c\nnsenter sh -c\nunshare sh -c\nunshare\nchrt 1\ntaskset 1\nionice -c3\nawk 'BEGIN { print ARGV[1] }'
     time\ntime sh -c\nexpr\nexpr 1 +
test\nprintenv\ngetconf\nwatch\nparallel\nwc --files0-from\ntee\nseq
busybox find . -exec\nbusybox xargs\nbusybox env\nbusybox nice\nbusybox timeout 2\nbusybox flock x -c\nbusybox script -qc\nbusybox watch\nbusybox su -c\nbusybox setsid\nbusybox printf %d\nbusybox test\nbusybox expr\nprlimit sh -c
     capsh -- -c\nlinux32 sh -c\nsetarch x86_64 sh -c\ni386 sh -c`,
  ),
  lines(` \n\n ' '\n x \n -- `),
  several(operand, 1, 3),
  lines(`\n x\n \\;\n sh\n {} +\n '"'\n "\n </dev/null\n | sh\n -c {{p}}\n x y\n 2>&1\n :`),
);

const compounds: Text = join(
  often('', earlier),
  lines(
    `trap {{p}} EXIT\ntrap : {{p}}\ntrap -- {{p}} 0\ntrap ": {{p}}" EXIT; :\ntrap ': "$x"' EXIT; x={{p}}\nf() { eval {{p}}; }; f\nf() { eval "$1"; }; f x; : {{p}}\nf() { trap {{p}} EXIT; }; f\neval() { :; }; eval {{p}}\nf() { local x={{p}}; }; f\nfunction f { typeset -i x; x={{p}}; }; f
     f() { typeset -i x; }; f; x={{p}}\nf() { "$@"; }; f {{p}}\n{{p}}() { :; }\nf() ( : {{p}} ); f\nf() { return {{p}}; }; f\nf() { exit {{p}}; }; f\nunset -f {{p}}\ncase {{p}} in *) :;; esac\ncase x in {{p}}) :;; esac\ncase x in x) eval {{p}};; esac
     case {{p}} in \${x[{{p}}]}) :;; esac\ncase "$(( {{p}} ))" in 1) :;; esac\ncase \${#a[{{p}}]} in *) :;; esac\n( eval {{p}} )\n( : {{p}} )\n(eval) {{p}}\n( typeset -i x; x={{p}} )\n{ eval {{p}}; }\n{ eval; } {{p}}\n: $(( {{p}} ))\n: $(( x + {{p}} ))\n: $(({{p}}))
     : $(( a[{{p}}] ))\n: $[ {{p}} ]\n(( {{p}} ))\n(( x = {{p}} ))\n(( a[{{p}}]++ ))\nlet {{p}}\nlet x={{p}}\nlet "x = {{p}}"\nlet 'a[{{p}}]=1'\n[[ -v {{p}} ]]\n[[ -v a[{{p}}] ]]\n[[ -R {{p}} ]]\n[[ {{p}} -eq 1 ]]\n[[ 1 -lt {{p}} ]]\n[[ x && {{p}} -eq 1 ]]\n[[ x =~ {{p}} ]]
     [[ {{p}} =~ x ]]\n[[ x == {{p}} ]]\n[[ -t {{p}} ]]\n[[ {{p}} ]]\n[[ {{p}} -nt x ]]\n[[ ( {{p}} -eq 1 ) ]]\n[[ ! {{p}} -ne 1 ]]\n[[ -o {{p}} ]]\n[[ {{p}} -ef {{p}} ]]\n[[ -n {{p}} && -v a ]]\n[ {{p}} -eq 1 ]\n[ 1 -ne {{p}} ]\n[ -v {{p}} ]\n[ a -a {{p}} -eq 1 ]\n[ {{p}} = x ]\n[ -n {{p}} -o 1 -gt {{p}} ]
     [ ! {{p}} -lt 1 ]\n[ ( {{p}} -lt 1 ) ]\n[ \\( {{p}} -lt 1 \\) ]\n[ x {{p}} y ]\n[ {{p}} x ]\ntest {{p}}\ntest {{p}} {{p}} {{p}}\ntest ! {{p}} -ge 2\na[{{p}}]=1\na["{{p}}"]=1\na['{{p}}']=1\na[{{p}}]+=1\na=([{{p}}]=1)\na=( [x]={{p}} )\na=({{p}} {{p}})\na+=({{p}})\na=("[{{p}}]=1")
     declare -A a; a[{{p}}]=1\ntypeset -A a; a["x{{p}}"]=1\n: \${a[{{p}}]}\n: "\${a["{{p}}"]}"\n: \${x:{{p}}}\n: \${x:0:{{p}}}\n: \${x:-{{p}}}\n: "\${x:-{{p}}}"\n: \${x#{{p}}}\n: \${x/{{p}}/y}\n: \${!{{p}}}\n: "\${x={{p}}}"
     unset a[{{p}}]\nunset "a[{{p}}]"\nread a[{{p}}] <<<x\nprintf -v a[{{p}}] x\nfor (( i={{p}}; i<1; i++ )); do :; done\nfor (( i=0; i<{{p}}; i++ )); do break; done\nfor {{p}} in a; do :; done\nfor i in {{p}}; do : "$i"; done
     for i in $(( {{p}} )); do :; done\nselect i in {{p}}; do break; done\nselect PS4 in {{p}}; do break; done\nwhile [ {{p}} -lt 1 ]; do break; done\nuntil eval {{p}}; do break; done\nif eval {{p}}; then :; fi\nif :; then exit {{p}}; fi\ncoproc eval {{p}}\ncoproc {{p}}\n: >&{{p}}\n: <&{{p}}\n: {{p}}>&1
     : 2>&{{p}}\n: >{{p}}\n: <{{p}}\n: >>{{p}}\n: >|{{p}}\n: &>{{p}}\n: >&{{p}}-\n: <>{{p}}\nexec {fd}>{{p}}\nexec {{{p}}}>x\n: <({{p}})\n: <(eval {{p}})\n: <(: {{p}})\n: >(: {{p}})\n: \`eval {{p}}\`\n: \`: {{p}}\`\n: "\`: {{p}}\`"\n: $(eval {{p}})\n: "$(: {{p}})"\n: $(< {{p}})\n: "$( ( : {{p}} ) )"\nx=\`: {{p}}\`
     : \${ eval {{p}}; }\n: \${| eval {{p}}; }\n: \${ : {{p}}; }\n: $'{{p}}'\n: $"{{p}}"\n: \\{{p}}\n: ~{{p}}\n: {{{p}},x}\n: {1..{{p}}}\n: @({{p}}|x)\n: *({{p}})\n: [{{p}}]\n: !{{p}}\n!{{p}}\n%{{p}}\n: %{{p}}\n: "$@"{{p}}\n={{p}}\n: =({{p}})\n: ={{p}}\nx={{p}} y=$x; : $y\ncat <<EOF⏎\${x:-{{p}}}⏎EOF⏎
     cat <<EOF⏎$(eval {{p}})⏎EOF⏎\ncat <<EOF⏎$(( {{p}} ))⏎EOF⏎\ncat <<EOF⏎{{p}}⏎EOF⏎\ncat <<EOF⏎\`: {{p}}\`⏎EOF⏎\ncat <<EOF⏎\\{{p}}⏎EOF⏎\ncat <<EOF⏎\${a[{{p}}]}⏎EOF⏎\ncat <<{{p}}⏎x⏎{{p}}⏎\ncat <<"{{p}}"⏎x⏎\ncat <<EOF⏎$(cat <<E⏎{{p}}⏎E⏎)⏎EOF⏎\ntime eval {{p}}\ntime {{p}}
     {{p}}\n{{p}} x\nx {{p}}\n"{{p}}" {{p}}\n./{{p}} {{p}}\n\\{{p}}\n{{p}}={{p}}\nx={{p}}:y\nx={{p}} eval :\nx={{p}} eval ': "$x"'\nIFS={{p}}; : $x\nIFS={{p}} read x <<<y\nPATH={{p}} x\nENV={{p}} sh -c :\nenv ENV={{p}} sh -ic :\nset -- {{p}}; : "$1"\nset {{p}}\nset -{{p}}\nset -o {{p}}\nset -A a {{p}}\nset -A a -- {{p}}
     exec {{p}}\nexec <{{p}}\nexec {{p}} >x\ncommand {{p}}\nbuiltin {{p}}\n. {{p}}\n. ./{{p}}\nsource {{p}}\nsource x {{p}}\ntype {{p}}\nhash {{p}}\nexport {{p}}\nexport -- {{p}}\nexport x {{p}}\nreadonly {{p}}\nlocal {{p}}\nunset {{p}}\ncd {{p}}\numask {{p}}\nulimit {{p}}\nwait {{p}}\nbreak {{p}}\ntimes {{p}}\nexpr {{p}} + 1
     return {{p}}\nshift {{p}}\nread {{p}}\ngetopts {{p}} x\ngetopts x {{p}}\ngetopts x y {{p}}\nOPTIND={{p}}; getopts x y -x\nHISTSIZE={{p}} set -o history\nrepeat {{p}} :\nrepeat 1 eval {{p}}\nforeach i ({{p}}) :; end\nalways { : {{p}}; }\n{ : } always { eval {{p}} }\nif [[ {{p}} ]] { : }`,
  ),
  often('', behind),
);

/** In what another text may stand; `…` is its place. */
const container = lines(
  `…\n…\n…\nf() { …⏎}; f\n( …⏎)\n{ …⏎}\nif :; then …⏎fi\nfor i in 1; do …⏎done\nwhile …⏎do break; done\ncase x in x) …⏎;; esac\nx=$(…⏎)\n: "$(…⏎)"\n: | …\n: && …
   cat <<EOF⏎$(…⏎)⏎EOF⏎\n: <(…⏎)\n{ …⏎} 2>&1\n{ …⏎} </dev/null | cat\n( …⏎) <<EOF⏎x⏎EOF⏎\n…⏎: {{p}}\n# it's⏎…\nset -e⏎…\nfunction f { …⏎}⏎f\nif …⏎then :; fi\n! …\ntime …\n…  # {{p}}\nx="a'b" …\n(( 1 )) && …\n[[ x ]] && …\n: \${x:-a} ; …\n…\\⏎\nfor ((i=0;i<1;i++)) do …⏎done`,
);
const contained = (text: Text): Text =>
  fc.tuple(container, text).map(([around, inner]) => around.replace('…', () => inner));
const withParameter = (text: Text): Text =>
  contained(text).map((one) => (one.includes('{{p}}') ? one : `${one}\n: {{p}}`));

/** Templates by the kind of place that they try. */
export const KINDS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  'any command of a shell, any operands': withParameter(simple),
  'redirections, assignments and prefixes before the command': withParameter(inFront),
  aliases: withParameter(aliases),
  'variables that a shell runs or expands': withParameter(codeVariables),
  'variables that are integers': withParameter(integers),
  'declarations, and assignments after them': withParameter(declares),
  'options and operands of built-in commands': withParameter(options),
  'here-documents, here-strings and pipes to what reads code': withParameter(inputs),
  'programs that run others, or text': withParameter(programs),
  'compound commands, functions, arithmetic, subscripts, expansions': withParameter(compounds),
  'any shell text, also broken': shellTemplate,
};
