// Ends what a run started when the run itself is killed and cannot. A shell of its own session is told which process groups
// run, and does nothing until its input ends: then it kills what is still on its list.
import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";

const script = `all=" "
while read -r sign group; do
  case $sign in
    +) all="$all$group " ;;
    -) all="\${all%% $group *} \${all#* $group }" ;;
  esac
done
for group in $all; do kill -s KILL -- "-$group" 2>/dev/null; done`;

export type Guard = Readonly<{
  /** `pid` leads a group. What is given back is called once the group has ended: its number may become another's. */
  watch: (pid: number | undefined) => () => void;
}>;

let guard: ChildProcess | undefined;

/** To be had before something is started, so that no moment is left in which nobody would end it. */
export function theGuard(): Guard {
  guard ??= begin();
  const { stdin } = guard;
  return {
    watch(pid) {
      if (pid === undefined) return () => {};
      stdin?.write(`+ ${pid}\n`);
      return () => stdin?.write(`- ${pid}\n`);
    },
  };
}

function begin(): ChildProcess {
  const child = spawn("sh", ["-c", script], { cwd: "/", detached: true, stdio: ["pipe", "ignore", "ignore"] });
  const end = () => {
    if (guard === child) guard = undefined;
  };
  child.on("error", end).on("exit", end).unref();
  child.stdin?.on("error", end);
  if (child.stdin instanceof Socket) child.stdin.unref();
  return child;
}
