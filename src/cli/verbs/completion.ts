// `sluice completion`: what a shell sources to complete verbs and options, made from the verbs themselves.
import type { Command } from "commander";
import { Problem } from "../../domain/problem.ts";
import { addVerb } from "../verb.ts";

export function completionVerb(program: Command): void {
  addVerb(program, {
    usage: "completion <shell>",
    summary: "print a completion script for bash, zsh or fish",
    examples: ['eval "$(sluice completion bash)"', "sluice completion fish > ~/.config/fish/completions/sluice.fish"],
  }).action((shell: string) => {
    const script = scripts[shell];
    if (script === undefined) throw new Problem(`There is no completion for ${shell}`, "Name bash, zsh or fish");
    process.stdout.write(script(program));
  });
}

const scripts: Readonly<Record<string, (program: Command) => string>> = {
  bash: (program) => `_sluice() {
  local cur=\${COMP_WORDS[COMP_CWORD]}
  case "$COMP_CWORD:\${COMP_WORDS[1]}" in
    1:*) COMPREPLY=($(compgen -W "${names(program)}" -- "$cur")) ;;
${program.commands.map((verb) => `    *:${verb.name()}) COMPREPLY=($(compgen -f -W "${options(verb)}" -- "$cur")) ;;`).join("\n")}
  esac
}
complete -F _sluice sluice
`,
  zsh: (program) => `#compdef sluice
_sluice() {
  local -a verbs
  verbs=(
${program.commands.map((verb) => `    '${verb.name()}:${verb.summary().replaceAll("'", "")}'`).join("\n")}
  )
  if (( CURRENT == 2 )); then _describe verb verbs; return; fi
  case "\${words[2]}" in
${program.commands.map((verb) => `    ${verb.name()}) compadd -- ${options(verb)} ;;`).join("\n")}
  esac
}
compdef _sluice sluice
`,
  fish: (program) =>
    [
      "complete -c sluice -f",
      ...program.commands.map(
        (verb) =>
          `complete -c sluice -n __fish_use_subcommand -a ${verb.name()} -d '${verb.summary().replaceAll("'", "")}'`,
      ),
      ...program.commands.flatMap((verb) =>
        verb.options.map(
          (option) =>
            `complete -c sluice -n '__fish_seen_subcommand_from ${verb.name()}' -l ${option.long?.slice(2)} -d '${option.description.replaceAll("'", "")}'`,
        ),
      ),
      "",
    ].join("\n"),
};

function names(program: Command): string {
  return program.commands.map((verb) => verb.name()).join(" ");
}

function options(verb: Command): string {
  const own = verb.options.map((option) => option.long ?? option.short ?? "");
  return [...own, "--json", "--verbose", "--cwd", "--data", "--help"].join(" ");
}
