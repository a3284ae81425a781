import * as CommandDescriptor from "@effect/cli/CommandDescriptor"
import { Effect } from "effect"
import { required } from "../args/flags.ts"
import { type Command, command, noFlags, positionals } from "../command.ts"
import { UsageError } from "../errors/failure.ts"
import type { Entry } from "./index.ts"

/** The tree of all commands, for @effect/cli. */
const loadTree = (commands: ReadonlyArray<Entry>) =>
  Effect.promise(async () => {
    const loaded = await Promise.all(
      commands.map(async ({ load, name }) => ({
        words: name.split(" "),
        command: (await load()).default satisfies Command
      }))
    )
    return treeOf("maxcloud", loaded)
  })

interface Leaf {
  /** Its name without the parent's. */
  readonly words: ReadonlyArray<string>
  readonly command: Command
}

const treeOf = (name: string, leaves: ReadonlyArray<Leaf>): CommandDescriptor.Command<unknown> => {
  const single: Array<CommandDescriptor.Command<unknown>> = []
  const families = new Map<string, Array<Leaf>>()
  for (const { words, ...leaf } of leaves) {
    const [first = "", ...rest] = words
    if (rest.length === 0) single.push(leaf.command.descriptor(first))
    else families.set(first, [...(families.get(first) ?? []), { ...leaf, words: rest }])
  }
  return withChildren(CommandDescriptor.make(name), [...single, ...[...families].map(([first, _]) => treeOf(first, _))])
}

const withChildren = <A>(
  parent: CommandDescriptor.Command<A>,
  children: ReadonlyArray<CommandDescriptor.Command<unknown>>
): CommandDescriptor.Command<unknown> => {
  const [first, ...rest] = children.map((value, index) => [String(index), value] as const)
  return first === undefined ? parent : CommandDescriptor.withSubcommands(parent, [first, ...rest])
}

const scripts = {
  bash: CommandDescriptor.getBashCompletions,
  zsh: CommandDescriptor.getZshCompletions,
  fish: CommandDescriptor.getFishCompletions
}

/** Not @effect/cli's completions: they offer flags of its own that we don't have, and in bash they miss names with several words or a hyphen. */
const mended = (line: string): ReadonlyArray<string> => {
  if (/(--|-l )(completions|log-level|wizard)[[ ]/.test(line) && !line.includes("opts=")) return []
  return [
    line
      .replace(/ --(completions|log-level|wizard)(?=[ "])/g, "")
      .replace(
        /^(\s+)maxcloud((?:,[a-z_]+)*),([a-z_]+)\)$/,
        (_, space: string, family: string, last: string) =>
          `${space}maxcloud${family.replaceAll(",", "__")},${last.replaceAll("__", "-")})`
      )
  ]
}

export default command({
  summary: "Print completions for bash, zsh or fish",
  offline: true,
  examples: [
    { line: "maxcloud completions bash > ~/.local/share/bash-completion/completions/maxcloud", does: "For bash" },
    { line: "maxcloud completions zsh > ~/.zfunc/_maxcloud", does: "For zsh, with ~/.zfunc in fpath" },
    { line: "maxcloud completions fish > ~/.config/fish/completions/maxcloud.fish", does: "For fish" }
  ],
  flags: noFlags,
  positionals: positionals({ shell: required("SHELL", "bash, zsh or fish") }),
  run: ({ shell }, terminal, all) =>
    Effect.gen(function* () {
      if (shell !== "bash" && shell !== "zsh" && shell !== "fish") {
        return yield* new UsageError({ message: `no completions for "${shell}"`, fix: "choose bash, zsh or fish" })
      }
      const tree = yield* loadTree(all)
      const lines = (yield* scripts[shell](tree, "maxcloud")).flatMap(mended)
      if (terminal.json) terminal.printJson({ shell, script: lines.join("\n") })
      else for (const line of lines) terminal.print(line)
    })
})
