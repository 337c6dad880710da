#!/bin/sh
# The first process of the kernel that `gateway vcan` boots; it runs with the machine's own files as its root.
# Starting a process costs about 20 ms here, so everything that one process can do is done by one.
#
# Beside it in the job's folder: fstab, network (for ip -batch), command and settings (shell), lib/modules, dev (links).
# ttyS0 carries standard input and output, after the word `ready`; ttyS1 orders from the runner and standard error.
set -eu
job=${0%/*}
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

halt() { # without an `exit` file the runner reports the kernel's last lines
  sync
  echo o >/proc/sysrq-trigger
  while :; do sleep 1; done
}
trap halt EXIT

obey() { # orders, one a line: a signal's name; `size ROWS COLUMNS`; `close out|err` when the reader outside is gone
  while read -r order first second; do
    case $order in
      size) stty rows "$first" cols "$second" <&3 ;;
      close) if [ "$first" = out ]; then kill "$out"; else kill "$err"; fi ;;
      *) kill -s "$order" -- "-$command" ;;
    esac || :
  done
}

end_others() { # whatever the command left running would hold its pipes open; on the kernel's threads kill does nothing
  for other in /proc/[0-9]*; do
    other=${other#/proc/}
    case " 1 $out $err " in *" $other "*) ;; *) kill -9 "$other" || : ;; esac
  done 2>/dev/null
}

mount -a -T "$job/fstab"
modprobe -d "$job" -a can-raw can-bcm can-gw can-j1939 vcan vxcan
ip -batch "$job/network"
cp -P "$job"/dev/* /dev
. "$job/settings" # sets `streams` to separate, merged or terminal; `rows` and `columns`

# Eight bits clean, and with an end: in canonical mode ^D ends the input and ^V takes the sting out of ^D and ^V.
wire='-echo -isig -icrnl -ixon -opost icanon iexten eof ^D lnext ^V'
wire="$wire eol undef eol2 undef erase undef kill undef werase undef rprnt undef"
exec 3<>/dev/ttyS0 4<>/dev/ttyS1
stty $wire <&4
in= out= err=
if [ "$streams" = terminal ]; then
  stty sane rows "$rows" cols "$columns" <&3
  . "$job/command" <&3 >&3 2>&3 3<&- 4<&- &
  command=$!
else
  stty $wire <&3
  mkfifo /run/in /run/out /run/err
  cat <&3 >/run/in &
  in=$!
  cat /run/out >&3 &
  out=$!
  if [ "$streams" = merged ]; then
    . "$job/command" </run/in >/run/out 2>&1 3<&- 4<&- &
    command=$!
  else
    cat /run/err >&4 &
    err=$!
    . "$job/command" </run/in >/run/out 2>/run/err 3<&- 4<&- &
    command=$!
  fi
fi
obey <&4 &
echo ready >&3

code=0
wait "$command" || code=$?
end_others
wait $out $err || :
for line in /dev/ttyS0 /dev/ttyS1; do stty -echo <"$line" || :; done # done when all is sent, however slow the reader
echo "$code" >"$job/exit"
