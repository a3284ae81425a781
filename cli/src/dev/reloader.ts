import type { LoadedConfig } from "@maxcloud/sdk/effect"
import { Effect, Either, Fiber, type Scope } from "effect"
import { makeStamps } from "./inPlace.ts"
import type { makeSecretChanges } from "./secretChanges.ts"
import { deployOnce, type Session, told } from "./session.ts"

const noEnvFiles = { changed: [], lines: [], failures: [] }

/** Rereads how services run and which variables they get, and prints the differences. Changed services get a new stamp. */
const makeReadFolders =
  ({ devScripts, envFiles, terminal }: Session, stamps: ReturnType<typeof makeStamps>) =>
  (loaded: LoadedConfig) =>
    Effect.gen(function* () {
      const scripts = yield* devScripts.reload(loaded)
      const readsItself = (service: string) => devScripts.of(service)?.readsEnvFiles === true
      const files = yield* envFiles?.reload(loaded, readsItself) ?? Effect.succeed(noEnvFiles)
      for (const line of [...scripts.lines, ...files.lines]) terminal.say(line)
      for (const failure of files.failures) yield* told(Effect.fail(failure), terminal)
      return stamps.restart(loaded, new Set([...scripts.changed, ...files.changed]))
    })

/** The running config. Reloads and redeploys it when it or a file that it names changes, one change at a time. */
export const makeReloader = (
  session: Session,
  secrets: ReturnType<typeof makeSecretChanges>,
  first: LoadedConfig | undefined
) =>
  Effect.gen(function* () {
    const { devScripts, inPlace, read, terminal } = session
    const stamps = makeStamps()
    const readFolders = makeReadFolders(session, stamps)
    const oneAtATime = yield* Effect.makeSemaphore(1)
    let current = first
    /** The last reported problem of the config. */
    let wrong = first === undefined ? "" : undefined
    let running: Fiber.RuntimeFiber<void, unknown> | undefined
    /** Services that failed to start. If their files change, retry, even if they reload by themselves. */
    const failed = new Set<string>()
    const reloads = (service: string) => devScripts.of(service) !== undefined
    const reloadsNow = (service: string) => reloads(service) && !failed.has(service)

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

    const sayWrong = (error: unknown) =>
      Effect.gen(function* () {
        const message = String(error)
        if (message === wrong) return
        wrong = message
        yield* told(Effect.fail(error), terminal)
        if (current !== undefined) terminal.say("the running services stay unchanged")
      })

    const reload = (sources: ReadonlySet<string>) =>
      Effect.gen(function* () {
        const next = yield* Effect.either(read)
        if (Either.isLeft(next)) return yield* sayWrong(next.left)
        const loaded = next.right
        const isSame = current !== undefined && JSON.stringify(current.spec) === JSON.stringify(loaded.spec)
        const foldersChanged = yield* readFolders(loaded)
        const sourcesChanged = stamps.changed(loaded, sources, reloadsNow)
        if (isSame && wrong !== undefined && !sourcesChanged && !foldersChanged)
          terminal.say("the config is valid again; nothing has changed")
        wrong = undefined
        if (!isSame || sourcesChanged || foldersChanged) yield* start(loaded)
        else current = loaded
      })

    return {
      /** undefined until a config could be read. */
      current: () => current,
      hasFailed: () => failed.size > 0,
      /** Whether the service reloads by itself. */
      reloads,
      /** Deploys the first config, if it could be read. */
      begin: first === undefined ? Effect.void : Effect.zipRight(readFolders(first), start(first)),
      /** Redeploys the running config, for example for a secret's new value. */
      restart: oneAtATime.withPermits(1)(Effect.suspend(() => (current === undefined ? Effect.void : start(current)))),
      reload: (sources: ReadonlySet<string>) => oneAtATime.withPermits(1)(reload(sources))
    }
  })
