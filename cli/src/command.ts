import { stripVTControlCharacters } from "node:util"
import * as Args from "@effect/cli/Args"
import * as CliConfig from "@effect/cli/CliConfig"
import * as CommandDescriptor from "@effect/cli/CommandDescriptor"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import { Effect, Layer } from "effect"
import { canonicalArguments } from "./args/argv.ts"
import {
  type Flag,
  type FlagInfo,
  type FlagValues,
  globalFlags,
  type Positional,
  type PositionalInfo
} from "./args/flags.ts"
import type { Entry } from "./commands/index.ts"
import { UsageError } from "./errors/failure.ts"
import type { Terminal } from "./output/terminal.ts"

/** The parsed flags that every command has. */
export type Globals = FlagValues<typeof globalFlags>

export interface Example {
  readonly line: string
  readonly does: string
}

/** A command as data. Help, the reference, completions and the parser come from it. */
export interface Command {
  /** The effect of the command, in a sentence without a full stop. */
  readonly summary: string
  /** It doesn't call a server, so `--api-url` and `--stage` have no effect on it. */
  readonly offline: boolean
  readonly examples: ReadonlyArray<Example>
  /** Help text below the flags. */
  readonly notes: ReadonlyArray<string>
  readonly flags: ReadonlyArray<FlagInfo>
  readonly positionals: ReadonlyArray<PositionalInfo>
  /** Exit code after Ctrl-C: 0 if that is the normal way to stop the command. */
  readonly exitOnInterrupt: 0 | 130
  readonly descriptor: (name: string) => CommandDescriptor.Command<unknown>
  /** Parses the arguments after the command's name, without running it. */
  readonly check: (argv: ReadonlyArray<string>) => Effect.Effect<void, UsageError>
  /** Parses the arguments after the command's name, and runs it. */
  readonly run: (
    argv: ReadonlyArray<string>,
    terminal: Terminal,
    all: ReadonlyArray<Entry>
  ) => Effect.Effect<void, unknown>
}

const environment = Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeTerminal.layer)
const cliConfig = CliConfig.make({ finalCheckBuiltIn: false, showBuiltIns: false })

/** The flags or positionals of one command, with their parser. */
interface Group<Info, Parser> {
  readonly infos: ReadonlyArray<Info>
  readonly parser: Parser
}

export const flags = <const F extends Readonly<Record<string, Flag<unknown>>>>(
  all: F
): Group<FlagInfo, Options.All.Return<F>> => ({
  infos: Object.values(all).map((each) => each.info),
  parser: Options.all(all)
})

export const positionals = <const P extends Readonly<Record<string, Positional<unknown>>>>(
  all: P
): Group<PositionalInfo, Args.All.Return<P>> => ({
  infos: Object.values(all).map((each) => each.info),
  parser: Args.all(all)
})

export const noFlags: Group<FlagInfo, Options.Options<Record<never, never>>> = {
  infos: [],
  parser: Options.map(Options.none, () => ({}))
}

export const noPositionals: Group<PositionalInfo, Args.Args<Record<never, never>>> = {
  infos: [],
  parser: Args.map(Args.none, () => ({}))
}

const globals = flags(globalFlags)

/** Defines a command. `run` gets the parsed input and imports the SDK only if it needs it, so that parsing and help stay fast. */
export const command = <F, P, E>(definition: {
  readonly summary: string
  readonly offline?: true
  readonly examples: ReadonlyArray<Example>
  readonly notes?: ReadonlyArray<string>
  readonly exitOnInterrupt?: 0
  /** The secret that the command reads from standard input. An unexpected argument could be that secret, so no message quotes it. */
  readonly secretOnStdin?: string
  readonly flags: Group<FlagInfo, Options.Options<F>>
  readonly positionals: Group<PositionalInfo, Args.Args<P>>
  readonly run: (input: F & P & Globals, terminal: Terminal, all: ReadonlyArray<Entry>) => Effect.Effect<void, E>
}): Command => {
  const infos = [...definition.flags.infos, ...globals.infos]
  const make = (name: string) =>
    CommandDescriptor.make(
      name,
      Options.all({ own: definition.flags.parser, globals: globals.parser }),
      definition.positionals.parser
    )
  const parse = Effect.fn(function* (argv: ReadonlyArray<string>) {
    const canonical = yield* Effect.try({
      try: () => canonicalArguments(argv, infos),
      catch: (error) => (error instanceof UsageError ? error : new UsageError({ message: String(error) }))
    })
    const parsed = yield* CommandDescriptor.parse(make("maxcloud"), ["maxcloud", ...canonical], cliConfig).pipe(
      Effect.provide(environment),
      Effect.mapError((error) => new UsageError({ message: plain(error.error) }))
    )
    if (parsed._tag === "BuiltIn") return undefined
    const [unexpected] = parsed.leftover
    if (unexpected !== undefined) {
      const { secretOnStdin } = definition
      if (secretOnStdin !== undefined) return yield* secretAsArgument(secretOnStdin)
      return yield* new UsageError({ message: `unexpected argument "${unexpected}"` })
    }
    const { args, options } = parsed.value
    return { ...options.own, ...options.globals, ...args }
  })
  return {
    summary: definition.summary,
    offline: definition.offline ?? false,
    examples: definition.examples,
    notes: definition.notes ?? [],
    exitOnInterrupt: definition.exitOnInterrupt ?? 130,
    flags: infos,
    positionals: definition.positionals.infos,
    descriptor: (name) => make(name).pipe(CommandDescriptor.withDescription(definition.summary)),
    check: (argv) => Effect.asVoid(parse(argv)),
    run: (argv, terminal, all) =>
      Effect.gen(function* () {
        const input = yield* parse(argv)
        if (input !== undefined) yield* definition.run(input, terminal, all)
      })
  }
}

/** The error if an argument may be a secret: says where to put it, and never quotes it. */
export const secretAsArgument = (what: string): UsageError =>
  new UsageError({
    message: `unexpected argument: don't pass ${what} as an argument, where other users and the shell's history would see it`,
    fix: "pass it on standard input (`< FILE`), or leave it out to be asked for it; if you've just typed the real one, replace it"
  })

/** The message of @effect/cli, without its colors and line breaks. */
const plain = (doc: HelpDoc.HelpDoc): string =>
  stripVTControlCharacters(HelpDoc.toAnsiText(doc)).replace(/\s+/g, " ").trim()
