import { existsSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import type { LoadedConfig } from "@maxcloud/sdk/effect"
import { Effect, Either, Fiber, type Scope, Stream } from "effect"
import { connect, connectWith, loadSchemas, loadSdk, refused, stageOf, writtenStage } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { addressedTerminal } from "../dev/addressed.ts"
import type { Held } from "../dev/brake.ts"
import { makeChanges } from "../dev/changes.ts"
import { makeStamps, sourceFolders } from "../dev/inPlace.ts"
import { localServer, portOf } from "../dev/localServer.ts"
import { type ChangedSecret, makeSecretChanges } from "../dev/secretChanges.ts"
import { makeServiceLogs } from "../dev/serviceLogs.ts"
import { makeWatcher } from "../dev/watch.ts"
import { CommandFailed } from "../failure.ts"
import { integer, text, toggle } from "../flags.ts"
import { follow } from "../follow.ts"
import { stateText, urlText } from "../format.ts"
import { reportOf, tell } from "../report.ts"
import { type Terminal, table } from "../terminal.ts"

type Cloud = Effect.Effect.Success<ReturnType<typeof connect>>
type Logs = ReturnType<typeof makeServiceLogs>

const showServices = (cloud: Cloud, loaded: LoadedConfig, terminal: Terminal) =>
  Effect.gen(function* () {
    const services = yield* cloud.services.list({ app: loaded.spec.app, stage: loaded.stage })
    if (terminal.json) return terminal.printJson({ services }, "line")
    const rows = services.map((_) => [`  ${_.name}`, stateText(_.state, terminal), urlText(_, terminal)])
    for (const line of ["", ...table(rows), ""]) terminal.print(line)
  })

/** Deploys, follows the logs of what is deployed, and shows where it is. */
const deployOnce = (cloud: Cloud, logs: Logs, loaded: LoadedConfig, inPlace: boolean, terminal: Terminal) => {
  const progress = cloud.deploy(loaded, { inPlace }).pipe(
    Stream.tap((told) =>
      told._tag === "accepted" ? logs.follow(loaded.spec.services.map((_) => _.name)) : Effect.void
    ),
    Stream.catchTag("InvalidSpec", (error) => Stream.fromEffect(refused(loaded)(error)))
  )
  return follow(progress, { detach: false, waitTimeout: undefined, quiet: true }, terminal).pipe(
    Effect.andThen(showServices(cloud, loaded, terminal))
  )
}

/** A failure while the program goes on: told, and that is all. */
const told = <E, R>(effect: Effect.Effect<unknown, E, R>, terminal: Terminal): Effect.Effect<void, E, R> =>
  Effect.catchAll(Effect.asVoid(effect), (error) => {
    const report = reportOf(error)
    return report === undefined ? Effect.fail(error) : Effect.sync(() => tell(report, terminal))
  })

interface Session {
  readonly cloud: Cloud
  readonly logs: Logs
  readonly read: Effect.Effect<LoadedConfig, unknown>
  readonly folder: string
  readonly dataDir: string
  readonly terminal: Terminal
}

/** Says which file made a loop, and how to end it. */
const sayHeld = (held: ReadonlyArray<Held>, folder: string, terminal: Terminal) => {
  for (const { file, milliseconds, redeployments } of held) {
    const seconds = Math.max(1, Math.round(milliseconds / 1000))
    terminal.say(
      `${relative(folder, file)} led to ${redeployments} redeployments in ${seconds} s: the app seems to write it. ` +
        "Its changes no longer redeploy. Add it to .gitignore, or write it outside of the source folder."
    )
  }
}

const saySecrets = (changed: ReadonlyArray<ChangedSecret>, terminal: Terminal) => {
  for (const { name, services } of changed)
    terminal.say(
      `secret ${name} was set: ${services.join(", ")} ${services.length === 1 ? "restarts" : "restart"} with it`
    )
}

/** The config of the first reading, and the changes that follow. Ends with the reason if files can't be watched. */
const followFiles = (session: Session, inPlace: boolean, first: LoadedConfig | undefined) =>
  Effect.gen(function* () {
    const { cloud, folder, logs, read, terminal } = session
    const { sourceFilterOf } = yield* loadSdk
    const watcher = yield* makeWatcher(session.dataDir)
    const changes = makeChanges(sourceFilterOf)
    const stamps = makeStamps()
    let current = first
    /** What is wrong with the config, as it was told. */
    let wrong = first === undefined ? "" : undefined
    let running: Fiber.RuntimeFiber<void, unknown> | undefined
    const secrets = makeSecretChanges(cloud)
    const oneAtATime = yield* Effect.makeSemaphore(1)

    const start = (loaded: LoadedConfig): Effect.Effect<void, never, Scope.Scope> =>
      Effect.gen(function* () {
        current = loaded
        yield* secrets.mark(loaded)
        if (running !== undefined) yield* Fiber.interrupt(running)
        const app = inPlace ? stamps.stamped(loaded) : loaded
        running = yield* Effect.forkScoped(told(deployOnce(cloud, logs, app, inPlace, terminal), terminal))
      })

    const reload = (sources: ReadonlySet<string>) =>
      Effect.gen(function* () {
        const next = yield* Effect.either(read)
        if (Either.isLeft(next)) {
          const message = String(next.left)
          if (message === wrong) return
          wrong = message
          yield* told(Effect.fail(next.left), terminal)
          if (current !== undefined) terminal.say("what runs stays as it is")
          return
        }
        const loaded = next.right
        const isSame = current !== undefined && JSON.stringify(current.spec) === JSON.stringify(loaded.spec)
        const sourcesChanged = stamps.changed(loaded, sources)
        if (isSame && wrong !== undefined && !sourcesChanged)
          terminal.say("the config is valid again, nothing has changed")
        wrong = undefined
        if (!isSame || sourcesChanged) yield* start(loaded)
        else current = loaded
      })

    const watchAll = Effect.suspend(() =>
      watcher.watch([folder, ...(current === undefined ? [] : sourceFolders(current).values())], current?.files)
    )
    yield* watchAll
    if (first !== undefined) yield* start(first)
    const followSecrets = Effect.gen(function* () {
      const changed = yield* secrets.next(() => current)
      saySecrets(changed, terminal)
      if (current !== undefined) yield* oneAtATime.withPermits(1)(start(current))
    })
    yield* Effect.forkScoped(Effect.forever(followSecrets))
    for (;;) {
      const batch = yield* watcher.next
      const { config, held, sources } = yield* Effect.promise(() => changes.of(batch, folder, current))
      sayHeld(held, folder, terminal)
      if (!config) continue
      yield* oneAtATime.withPermits(1)(reload(sources))
      yield* watchAll
    }
  })

const isWatchFailed = (error: unknown): error is CommandFailed =>
  error instanceof CommandFailed && error.tag === "WatchFailed"

/** Deploys at every change of the config or of a source. A config that is wrong is told, and what runs stays. */
const followOrSay = (session: Session, inPlace: boolean, first: LoadedConfig | undefined) =>
  followFiles(session, inPlace, first).pipe(
    // What runs is what the user came for: it goes on, without following the files.
    Effect.catchIf(isWatchFailed, (error) =>
      Effect.gen(function* () {
        if (first === undefined) return yield* error
        yield* told(Effect.fail(error), session.terminal)
        session.terminal.say("what runs stays as it is; files are no longer followed")
        return yield* Effect.never
      })
    )
  )

export default command({
  examples: [
    { line: "maxcloud dev", does: "server, deploy on save, logs, in one terminal" },
    { line: "maxcloud dev --port 9000", does: "on another port" },
    { line: "maxcloud dev --no-watch", does: "deploys snapshots once, and follows the logs" }
  ],
  notes: [
    "The stage is `dev` unless --stage or MAXCLOUD_STAGE says otherwise. Sources run in place, from their folders.",
    "Ctrl-C stops everything. Data is kept, so that the next start is fast.",
    "With --api-url no server is started: that one is used."
  ],
  exitOnInterrupt: 0,
  flags: flags({
    file: text("file", "FILE", { alias: "f", description: "Config to read, as --config" }),
    port: integer("port", "PORT", {
      alias: "p",
      description: "Port of the API and the services' URLs, 0 for a free one (MAXCLOUD_PORT) [8080]"
    }),
    dataDir: text("data-dir", "FOLDER", { description: "Where data is kept [.maxcloud beside the config]" }),
    noWatch: toggle("no-watch", { description: "Deploy once, do not follow the files" })
  }),
  positionals: noPositionals,
  run: (input, terminal, all) =>
    Effect.gen(function* () {
      const { findConfig, loadConfig } = yield* loadSdk
      const named = input.file ?? input.config
      const file = named === undefined ? yield* findConfig(process.cwd()) : resolve(named)
      const folder = dirname(file)
      const read = loadConfig({ file, stage: writtenStage(input) ?? "dev" })
      const first = yield* Effect.either(read)
      if (Either.isLeft(first) && (input.noWatch || !existsSync(file))) return yield* first.left

      if (input.apiUrl === undefined && !terminal.json) terminal.say("starting the server …")
      const dataDir = resolve(input.dataDir ?? join(folder, ".maxcloud"))
      const port = yield* portOf(input.port)
      const url = input.apiUrl ?? (yield* localServer({ port, dataDir, inPlace: !input.noWatch }))
      yield* Effect.addFinalizer(() => Effect.sync(() => terminal.say("stopping …")))
      if (terminal.json) terminal.printJson({ url }, "line")
      else terminal.say(`max-cloud is at ${terminal.paintError("cyan", url)}, data in ${dataDir}`)

      const cloud = yield* input.apiUrl === undefined ? connectWith({ apiUrl: url }, "") : connect({ apiUrl: url })
      const { productionStage, StageName } = yield* loadSchemas
      const stage = Either.isRight(first) ? first.right.stage : ((yield* stageOf(input)) ?? StageName.make("dev"))
      const address = {
        apiUrl: url,
        stage: stage === productionStage ? undefined : stage,
        commands: new Set(all.map((_) => _.name))
      }
      // Progress is appended: lines of logs come between.
      const appending = addressedTerminal({ ...terminal, interactive: false }, address)
      if (Either.isLeft(first)) {
        yield* told(Effect.fail(first.left), appending)
        terminal.say("waiting for the config to be put right")
      }
      const logs = makeServiceLogs(cloud, stage, terminal, address)
      const session: Session = { cloud, logs, read, folder, dataDir, terminal: appending }
      if (!input.noWatch) {
        const { inPlace } = yield* cloud.info
        return yield* followOrSay(session, inPlace, Either.getOrUndefined(first))
      }
      if (Either.isRight(first)) {
        yield* deployOnce(cloud, logs, first.right, false, appending).pipe(
          // Some of its services may run: they are what the user came for.
          Effect.catchTag("DeploymentFailed", (error) =>
            Effect.zipRight(told(error, appending), showServices(cloud, first.right, appending))
          )
        )
      }
      return yield* Effect.never
    }).pipe(Effect.scoped)
})
