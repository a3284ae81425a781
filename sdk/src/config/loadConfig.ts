import { readFile } from "node:fs/promises"
import { dirname, extname, resolve } from "node:path"
import {
  type AppSpec,
  type Location,
  parsePolicyList,
  productionStage,
  type SpecIssue,
  StageName
} from "@maxcloud/config-schema"
import type { PolicyAnswer } from "@maxcloud/config-schema/authoring"
import { decodeUtf8, withoutByteOrderMark } from "@maxcloud/config-schema/plain"
import { Effect, Either, Option, ParseResult, Schema } from "effect"
import type { InvalidRequest, ProblemError } from "../api/index.ts"
import { ConfigInvalid, type ConfigIssue } from "../errors.ts"
import type { OptionKinds } from "../input/options.ts"
import { parseOptions } from "../input/parse.ts"
import { specIssueOf } from "../pointers.ts"
import { utf8IssueIn, utf8IssueOf } from "../utf8File.ts"
import { assumedFacts, type ConfigFacts, type ServerFact, type ServerFacts } from "./configFacts.ts"
import { type ContextOptions, contextOptions, parseContext } from "./contextOptions.ts"
import { evaluate } from "./evaluate.ts"
import { dataExtensions, findConfig, moduleExtensions } from "./findConfig.ts"
import { gitStateOf } from "./gitState.ts"
import { type ConfigFindings, type EvaluatedApp, parseJudged } from "./policies.ts"

/** A config, loaded for a stage. */
export interface LoadedConfig {
  /** Absolute path. */
  readonly file: string
  /** The absolute path of the folder that relative source paths start from. */
  readonly folder: string
  readonly stage: StageName
  readonly spec: AppSpec
  /** The findings of the config's `policies`. With problems, it can't be deployed. */
  readonly policies: ConfigFindings
  /** The absolute paths of the config and the files that it imports, without those of installed packages. */
  readonly files: ReadonlyArray<string>
  /** The facts that the config reads and that only a server knows, if it was loaded without one: it got `local` and `kubernetes`. */
  readonly assumed: ReadonlyArray<ServerFact>
  /** The unchanged objects of the config's charts, if requested with `charts`. */
  readonly charts: ReadonlyArray<unknown>
  /** Locates problems of the app in the config's files: those of `policies`, of a plan or of a refused deployment. */
  readonly locate: (problems: ReadonlyArray<ProblemError>) => Promise<ReadonlyArray<ConfigIssue>>
}

export interface LoadConfigOptions extends ContextOptions {
  /** The config. @default `maxcloud.config.*` in `folder` or the nearest folder above */
  readonly file?: string | undefined
  /** @default the process's own */
  readonly folder?: string | undefined
  /** Whether to run the config's `charts`, for `LoadedConfig.charts`. @default false */
  readonly charts?: boolean | undefined
}

interface Read extends EvaluatedApp {
  /** The answers of the config's own policy functions. */
  readonly answers: ReadonlyArray<PolicyAnswer>
  /** The facts that it read from its context. */
  readonly facts: ReadonlyArray<string>
  readonly files: ReadonlyArray<string>
  readonly charts: ReadonlyArray<unknown>
  readonly locate: (issues: ReadonlyArray<SpecIssue>) => Promise<ReadonlyArray<ConfigIssue>>
}

const inOrder = (issues: ReadonlyArray<ConfigIssue>): ReadonlyArray<ConfigIssue> =>
  issues.toSorted((a, b) => {
    if (a.file !== b.file) return a.file < b.file ? -1 : 1
    return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
  })

const one = (file: string, message: string, place: Partial<ConfigIssue> = {}) =>
  new ConfigInvalid({ file, issues: [{ path: "", message, file, ...place }] })

const readText = (file: string): Effect.Effect<string, ConfigInvalid> =>
  Effect.tryPromise({
    try: () => readFile(file),
    catch: (error) => {
      const code = error instanceof Error && "code" in error ? error.code : undefined
      if (code === "ENOENT") return one(file, "file not found: correct its name, or create one with `maxcloud init`")
      if (code === "EISDIR") return one(file, "this is a folder: name the config in it")
      return one(file, `the file can't be read: ${error instanceof Error ? error.message : String(error)}`)
    }
  }).pipe(
    Effect.flatMap((bytes) => {
      const decoded = decodeUtf8(bytes)
      return "text" in decoded
        ? Effect.succeed(withoutByteOrderMark(decoded.text))
        : Effect.fail(new ConfigInvalid({ file, issues: [utf8IssueOf(file, decoded.fault)] }))
    })
  )

/** Node replaces invalid bytes in the modules that it loads, so the config has been evaluated with other texts than these files have. */
const checkImported = (config: string, files: ReadonlyArray<string>): Effect.Effect<void, ConfigInvalid> =>
  Effect.gen(function* () {
    const found = yield* Effect.promise(() => Promise.all(files.map(utf8IssueIn)))
    const issues = found.filter((issue) => issue !== undefined)
    if (issues.length > 0) return yield* new ConfigInvalid({ file: config, issues: inOrder(issues) })
  })

const readModule = <E>(
  file: string,
  stage: StageName,
  facts: ConfigFacts<E>,
  charts: boolean
): Effect.Effect<Read, ConfigInvalid | E> =>
  Effect.gen(function* () {
    yield* readText(file)
    const evaluation = yield* evaluate(file, stage, facts, {
      charts,
      asked: (evaluated) => Option.getOrUndefined(Either.getRight(parseJudged(evaluated, stage)))?.asked
    })
    const located =
      (spec: unknown, locations: ReadonlyArray<Location | undefined>) => (issues: ReadonlyArray<SpecIssue>) =>
        import("./modulePlaces.ts").then((found) => found.placesInModule(file, spec, locations, issues))
    switch (evaluation._tag) {
      case "Evaluated":
        yield* checkImported(file, evaluation.files)
        return {
          spec: evaluation.spec,
          issues: evaluation.issues,
          policies: evaluation.policies,
          answers: evaluation.answers,
          files: evaluation.files,
          facts: evaluation.facts,
          charts: evaluation.charts,
          locate: located(evaluation.spec, evaluation.locations)
        }
      case "NoDefaultExport":
        return yield* one(file, "there is no default export: write `export default defineConfig({ app, services })`")
      case "NotAConfig":
        return yield* one(
          file,
          `the default export is ${evaluation.found}, not a config: write \`export default defineConfig({ app, services })\``
        )
      case "NotData": {
        const issue = { path: evaluation.path, message: `expected plain data, got ${evaluation.found}` }
        return yield* new ConfigInvalid({
          file,
          issues: yield* Effect.promise(() => located(undefined, [])([issue]))
        })
      }
      case "Exited":
        return yield* Effect.promise(() => import("./moduleFaults.ts")).pipe(
          Effect.flatMap((found) => Effect.promise(() => found.faultOfExit(file, evaluation.code))),
          Effect.flatMap(Effect.fail)
        )
      case "TookTooLong":
        return yield* Effect.promise(() => import("./moduleFaults.ts")).pipe(
          Effect.flatMap((found) => Effect.promise(() => found.faultOfWaiting(file, evaluation.seconds))),
          Effect.flatMap(Effect.fail)
        )
      case "Threw":
        return yield* Effect.promise(() => import("./moduleFaults.ts")).pipe(
          Effect.flatMap((found) => Effect.promise(() => found.faultOfThrow(file, evaluation))),
          Effect.flatMap(Effect.fail)
        )
    }
  })

const readData = (file: string): Effect.Effect<Read, ConfigInvalid> =>
  Effect.gen(function* () {
    const text = yield* readText(file)
    const { readDocument } = yield* Effect.promise(() => import("./dataPlaces.ts"))
    const read = readDocument(file, text)
    if ("issue" in read) return yield* new ConfigInvalid({ file, issues: [read.issue] })
    const policies = parsePolicyList(read.policies)
    return {
      spec: read.value,
      issues: [...read.issues, ...(Either.isLeft(policies) ? policies.left : [])],
      policies: Either.getOrElse(policies, () => []),
      answers: [],
      files: [file],
      facts: [],
      charts: [],
      locate: async (issues) => read.locate(issues)
    }
  })

const readerOf = (file: string): "module" | "data" | undefined => {
  const extension = extname(file)
  if (moduleExtensions.some((moduleExtension) => moduleExtension === extension)) return "module"
  return dataExtensions.some((dataExtension) => dataExtension === extension) ? "data" : undefined
}

const decodeStage = Schema.decodeUnknownEither(StageName)

const optionKinds: OptionKinds<LoadConfigOptions> = { ...contextOptions, file: "text", folder: "text", charts: "flag" }

const isServerFact = (name: string): name is ServerFact => Object.hasOwn(assumedFacts, name)

/**
 * Reads a config for a stage and checks it completely. Fails with one `ConfigInvalid` that lists every mistake with its position, or with
 * `InvalidRequest` if an option is invalid. Asks `server` for the facts that only a server knows, if the config reads one.
 */
export const loadConfig = <E = never>(
  written?: LoadConfigOptions,
  server?: Effect.Effect<ServerFacts, E>
): Effect.Effect<LoadedConfig, ConfigInvalid | InvalidRequest | E> =>
  Effect.gen(function* () {
    const options = yield* parseOptions<LoadConfigOptions>(written, optionKinds)
    const { git, organization, runtime } = yield* parseContext(options)
    const start = resolve(options.folder ?? ".")
    const file = options.file === undefined ? yield* findConfig(start) : resolve(start, options.file)
    const folder = dirname(file)
    const stage = yield* decodeStage(options.stage ?? productionStage).pipe(
      Either.mapLeft((error) =>
        one(file, ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.message ?? error.message)
      )
    )
    const reader = readerOf(file)
    if (reader === undefined) {
      return yield* one(
        file,
        `a config is a file of TypeScript, JavaScript, YAML or JSON: ${[...moduleExtensions, ...dataExtensions].join(", ")}`
      )
    }
    const given = {
      ...(organization === undefined ? {} : { organization }),
      ...(runtime === undefined ? {} : { runtime })
    }
    const known: Effect.Effect<ServerFacts, E> = server ?? Effect.succeed(assumedFacts)
    const facts = {
      server: Effect.map(known, (found) => ({ ...found, ...given })),
      git:
        git === undefined ? Effect.promise(() => gitStateOf(folder)) : Effect.succeed(git === "none" ? undefined : git)
    }
    const read = yield* reader === "module" ? readModule(file, stage, facts, options.charts === true) : readData(file)
    const parsed = parseJudged(read, stage)
    if (Either.isLeft(parsed)) {
      return yield* new ConfigInvalid({ file, issues: inOrder(yield* Effect.promise(() => read.locate(parsed.left))) })
    }
    return {
      file,
      folder,
      stage,
      spec: parsed.right.spec,
      policies: parsed.right.findings(read.answers),
      files: [...new Set([file, ...read.files])],
      assumed:
        server === undefined ? read.facts.filter(isServerFact).filter((name) => !Object.hasOwn(given, name)) : [],
      charts: read.charts,
      locate: (problems) => read.locate(problems.map(specIssueOf))
    }
  })
