import { readFile, stat } from "node:fs/promises"
import { basename, dirname, join, relative } from "node:path"
import type { LoadedConfig } from "@maxcloud/sdk/effect"
import { Effect, Either } from "effect"
import { loadSchemas } from "../client.ts"
import { CommandFailed, type UsageError } from "../errors/failure.ts"
import { decodeText } from "../input/decodeText.ts"
import { parseDotenv, type Variable } from "../input/dotenv.ts"
import { sourceFolders } from "./inPlace.ts"

const fileNames = [".env", ".env.local"] as const
const largest = 2 ** 20

type Variables = Readonly<Record<string, string>>

/** The variables that a service gets from files. Only the program gets the values: never print them. */
interface ServiceEnvironment {
  readonly variables: Variables
  /** The names by file, to print. */
  readonly lines: ReadonlyArray<string>
}

export interface EnvFilesInput {
  /** The config's folder. All services get the variables of its files. */
  readonly folder: string
  readonly shell: Readonly<Record<string, string | undefined>>
}

const isThere = (file: string) =>
  Effect.promise(() =>
    stat(file).then(
      (found) => found.isFile(),
      () => false
    )
  )

const read = (file: string, shown: string) =>
  Effect.gen(function* () {
    if (!(yield* isThere(file))) return undefined
    const bytes = yield* Effect.tryPromise({
      try: async () => ((await stat(file)).size > largest ? undefined : await readFile(file)),
      catch: () =>
        new CommandFailed({
          tag: "FileNotRead",
          exit: 2,
          message: `Couldn't read ${shown}`,
          fix: "check its permissions"
        })
    })
    if (bytes === undefined)
      return yield* new CommandFailed({ tag: "FileNotRead", exit: 2, message: `${shown} is larger than 1 MiB` })
    const { bounds } = yield* loadSchemas
    return yield* parseDotenv(yield* decodeText(bytes, shown), shown, {
      what: "variable",
      most: bounds.envVariables,
      nameLength: bounds.envNameLength,
      valueLength: bounds.envValueLength,
      mayBeEmpty: true
    })
  })

/** Files that frameworks read by themselves during development. */
const ofTools = [...fileNames, ".env.development", ".env.development.local"] as const

/** The files that a tool reads by itself in its folder, and the names in them. The tool interprets them in its own dialect. */
const readByTool = (directory: string) =>
  Effect.promise(async () => {
    const found: Array<string> = []
    const names = new Set<string>()
    for (const file of ofTools) {
      const path = join(directory, file)
      const isSmall = await stat(path).then(
        (found) => found.isFile() && found.size <= largest,
        () => false
      )
      const text = isSmall ? await readFile(path, "utf8").catch(() => undefined) : undefined
      if (text === undefined) continue
      found.push(file)
      for (const [, name = ""] of text.matchAll(/^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=/gm)) names.add(name)
    }
    return { files: found, names }
  })

/** The files of these folders, by precedence: the nearer folder first, and `.env.local` before `.env`. */
const filesOf = (folders: ReadonlyArray<string>) =>
  [...new Set(folders)].flatMap((folder) => fileNames.map((name) => join(folder, name)))

/** The variables of these files, by file. Paths are shown relative to `folder`. */
const readAll = (files: ReadonlySet<string>, folder: string) =>
  Effect.gen(function* () {
    const contents = new Map<string, ReadonlyArray<Variable>>()
    const failures: Array<UsageError | CommandFailed> = []
    for (const file of files) {
      const found = yield* Effect.either(read(file, relative(folder, file)))
      if (Either.isLeft(found)) failures.push(found.left)
      else if (found.right !== undefined) contents.set(file, found.right)
    }
    return { contents, failures }
  })

/** The variables for one service, without names that the platform or its config sets. */
const merged = (
  { folder, shell }: EnvFilesInput,
  service: LoadedConfig["spec"]["services"][number],
  files: ReadonlyArray<readonly [string, ReadonlyArray<Variable>]>,
  platformNames: ReadonlySet<string>
): ServiceEnvironment => {
  const from = new Map<string, { readonly file: string; readonly value: string }>()
  for (const [file, variables] of files) for (const { name, value } of variables) from.set(name, { file, value })
  for (const name of [...platformNames, "PATH"]) from.delete(name)
  const own = [...from.keys()].filter((name) => Object.hasOwn(service.env, name))
  for (const name of own) from.delete(name)
  // An environment is an object, so a plain look-up of `constructor` would find a function.
  const inShell = (name: string) => (Object.hasOwn(shell, name) ? shell[name] : undefined)
  const ofShell = [...from.keys()].filter((name) => inShell(name) !== undefined)
  const lines = files.flatMap(([file]) => {
    const names = [...from].flatMap(([name, { file: of }]) => (of === file && !ofShell.includes(name) ? [name] : []))
    return names.length === 0 ? [] : [`${service.name} gets ${names.join(", ")} from ${relative(folder, file)}`]
  })
  return {
    variables: Object.fromEntries([...from].map(([name, { value }]) => [name, inShell(name) ?? value])),
    lines: [
      ...lines,
      ...(ofShell.length === 0
        ? []
        : [`${service.name} gets ${ofShell.join(", ")} from your shell, which takes precedence over the files`]),
      ...(own.length === 0
        ? []
        : [`${service.name} gets ${own.join(", ")} from the config, which takes precedence over the files`])
    ]
  }
}

/**
 * The variables of `.env` and `.env.local` beside the config and in a service's own folder. The config's `env` takes precedence, then the
 * developer's shell (for names in a file), then `.env.local`, then `.env`; a file in the service's folder beats one beside the config.
 */
export const makeEnvFiles = (input: EnvFilesInput) => {
  const { folder } = input
  let byDirectory = new Map<string, Variables>()
  let told = ""

  return {
    /** Whether this watches the file for changes. */
    isOne: (file: string, loaded: LoadedConfig) =>
      fileNames.some((fileName) => fileName === basename(file)) &&
      [folder, ...sourceFolders(loaded).values()].includes(dirname(file)),
    /** The variables for programs in this folder, as last read. */
    environment: (directory: string): Variables => byDirectory.get(directory) ?? {},
    /** Rereads the files: the source folders with changed variables, and the lines to print about them. Leaves out invalid files. */
    reload: (loaded: LoadedConfig, readsItself: (service: string) => boolean) =>
      Effect.gen(function* () {
        const { reservedEnvNames } = yield* loadSchemas
        const folders = sourceFolders(loaded)
        const placesOf = (service: string, directory: string) =>
          readsItself(service) ? [folder].filter((value) => value !== directory) : [folder, directory]
        const places = [...folders].flatMap(([service, directory]) => placesOf(service, directory))
        const { contents, failures } = yield* readAll(new Set(filesOf(places)), folder)
        const next = new Map<string, Variables>()
        const lines: Array<string> = []
        for (const service of loaded.spec.services) {
          const directory = folders.get(service.name)
          if (directory === undefined) continue
          const tool = readsItself(service.name) ? yield* readByTool(directory) : undefined
          const files = filesOf(placesOf(service.name, directory)).flatMap((file) => {
            // The nearer file wins, and the tool reads it only if the variable isn't set yet.
            const variables = contents.get(file)?.filter(({ name }) => tool?.names.has(name) !== true)
            return variables === undefined ? [] : [[file, variables] as const]
          })
          if (tool !== undefined && tool.files.length > 0)
            lines.push(`${service.name} reads ${tool.files.join(", ")} by itself`)
          const environment = merged(input, service, files, reservedEnvNames)
          // Two services may share a folder. Variables in a service's config always take precedence over these.
          next.set(directory, { ...next.get(directory), ...environment.variables })
          lines.push(...environment.lines)
        }
        const changed = [...next].filter(
          ([directory, variables]) => JSON.stringify(variables) !== JSON.stringify(byDirectory.get(directory) ?? {})
        )
        byDirectory = next
        const isNew = JSON.stringify(lines) !== told
        told = JSON.stringify(lines)
        return { changed: changed.map(([directory]) => directory), lines: isNew ? lines : [], failures }
      })
  }
}
