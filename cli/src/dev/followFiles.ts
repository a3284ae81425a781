import { basename, relative } from "node:path"
import type { LoadedConfig } from "@maxcloud/sdk/effect"
import { Effect, Either, Fiber, type Scope } from "effect"
import { loadSdk } from "../client.ts"
import { CommandFailed } from "../failure.ts"
import type { Terminal } from "../terminal.ts"
import type { Held } from "./brake.ts"
import { makeChanges } from "./changes.ts"
import { makeStamps, sourceFolders } from "./inPlace.ts"
import { type ChangedSecret, makeSecretChanges } from "./secretChanges.ts"
import { deployOnce, type Session, told } from "./session.ts"
import { makeWatcher } from "./watch.ts"

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
const followFiles = (session: Session, first: LoadedConfig | undefined) =>
  Effect.gen(function* () {
    const { cloud, devScripts, envFiles, folder, inPlace, read, terminal } = session
    const watcher = yield* makeWatcher(session.dataDir)
    const changes = makeChanges(yield* loadSdk)
    const stamps = makeStamps()
    let current: LoadedConfig | undefined = first
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
        failed.clear()
        const app = inPlace ? stamps.stamped(devScripts.applied(loaded)) : loaded
        const deployed = deployOnce(session, app).pipe(
          Effect.tapErrorTag("DeploymentFailed", ({ deployment }) =>
            Effect.sync(() => {
              for (const { name, state } of deployment.services) if (state === "failed") failed.add(name)
            })
          )
        )
        running = yield* Effect.forkScoped(told(deployed, terminal))
      })

    /** Services whose last start failed: a change of their files is worth another try, even if they reload by themselves. */
    const failed = new Set<string>()
    const reloads = (service: string) => devScripts.of(service) !== undefined
    const reloadsNow = (service: string) => reloads(service) && !failed.has(service)

    /** Looks how services run and what they get, and says what is new of it. Those that run otherwise than before have a new stamp then. */
    const readFolders = (loaded: LoadedConfig) =>
      Effect.gen(function* () {
        const scripts = yield* devScripts.reload(loaded)
        const readsItself = (service: string) => devScripts.of(service)?.readsEnvFiles === true
        const files = yield* envFiles?.reload(loaded, readsItself) ?? Effect.succeed(noEnvFiles)
        for (const line of [...scripts.lines, ...files.lines]) terminal.say(line)
        for (const failure of files.failures) yield* told(Effect.fail(failure), terminal)
        return stamps.restart(loaded, new Set([...scripts.changed, ...files.changed]))
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
        const foldersChanged = yield* readFolders(loaded)
        const sourcesChanged = stamps.changed(loaded, sources, reloadsNow)
        if (isSame && wrong !== undefined && !sourcesChanged && !foldersChanged)
          terminal.say("the config is valid again, nothing has changed")
        wrong = undefined
        if (!isSame || sourcesChanged || foldersChanged) yield* start(loaded)
        else current = loaded
      })

    const watchAll = Effect.suspend(() =>
      watcher.watch([folder, ...(current === undefined ? [] : sourceFolders(current).values())], current?.files)
    )
    yield* watchAll
    if (first !== undefined) {
      yield* readFolders(first)
      yield* start(first)
    }
    const followSecrets = Effect.gen(function* () {
      const changed = yield* secrets.next(() => current)
      saySecrets(changed, terminal)
      if (current !== undefined) yield* oneAtATime.withPermits(1)(start(current))
    })
    yield* Effect.forkScoped(Effect.forever(followSecrets))
    for (;;) {
      const batch = yield* watcher.next
      const { config, held, sources } = yield* Effect.promise(() => changes.of(batch, folder, current, reloads))
      sayHeld(held, folder, terminal)
      const now = current
      const environment = now !== undefined && [...batch].some((_) => envFiles?.isOne(_, now) === true)
      // How a service runs is in its package.json.
      const script = [...sources].some((_) => failed.size > 0 || basename(_) === "package.json")
      if (!config && !environment && !script) continue
      yield* oneAtATime.withPermits(1)(reload(sources))
      yield* watchAll
    }
  })

const noEnvFiles = { changed: [], lines: [], failures: [] }

const isWatchFailed = (error: unknown): error is CommandFailed =>
  error instanceof CommandFailed && error.tag === "WatchFailed"

/** Deploys at every change of the config or of a source. A config that is wrong is told, and what runs stays. */
export const followOrSay = (session: Session, first: LoadedConfig | undefined) =>
  followFiles(session, first).pipe(
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
